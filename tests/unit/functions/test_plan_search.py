"""plan_search as the training machine calls it."""

from functions.plan_search.handler import PlanSearchEvent, handler
from tests.fakes import NOON, fake_runtime
from tests.unit.training.test_search import spec_with
from trimtab.ledger.kinds import SEARCH_ENDED
from trimtab.training.search import space_digest

RUN = "trimtab-test-tiny-20260101120000-11111111"
EVENT = PlanSearchEvent(model="tiny", at=NOON, run=RUN, job=RUN)


def test_a_first_search_has_a_name_and_a_goal_and_no_parent() -> None:
    runtime = fake_runtime(spec_with())
    assert handler.call(EVENT, runtime) == {
        "job": runtime.names.search(RUN),
        "metric": "auc",
        "direction": "Maximize",
        "parent": None,
    }


def test_a_later_search_names_the_last_one() -> None:
    spec = spec_with()
    runtime = fake_runtime(spec)
    runtime.ledger.append(SEARCH_ENDED, "earlier", {"job": "earlier", "space": space_digest(spec)}, NOON, "read_search")
    assert handler.call(EVENT, runtime)["parent"] == "earlier"
