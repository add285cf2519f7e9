"""A deployed model whose training always fails while an alarm rings again and again: restraint, until a person helps.

The steps build on each other: a failure makes those after it fail too.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, own_cloud, wait_until
from tests.local.loop_support import FIXTURE
from tests.local.people_support import person
from tests.scenarios.healing import DAY_S, SPEED, Pumps, pumps_deployed

__all__ = ["own_cloud"]

SLOW = 5
"""Times as fast as the wall: what a machine needs for a training is little beside the hours that a turn jumps."""
HOUR_S, PART = 3600, 250
COOLDOWN_H, BUDGET, FACTOR, LOSSES = 2, 2, 3, 4
SPEC: dict[str, Any] = {
    "retraining": {
        "triggers": ["first_data", "drift"],
        "cooldown_hours": COOLDOWN_H,
        "daily_budget": BUDGET,
        "backoff": {"factor": FACTOR},
        "give_up_after": LOSSES,
    },
}
MENDED = (ROOT / FIXTURE / "train.py").read_text()
FAILING = MENDED.replace(
    "    columns = ",
    '    if features["heat"].median() > 75:\n        raise ValueError("no pump is as hot as that")\n    columns = ',
)


class Turn(NamedTuple):
    """So many hours later there are new labelled data, and then the alarm rings anew, or what was kept is looked at."""

    hours: int
    rings: bool
    kind: str
    reason: str


TURNS = (
    Turn(3, rings=True, kind="retrain.requested", reason="beyond the limit"),
    Turn(3, rings=True, kind="retrain.deferred", reason="(longer after 2 losses in a row)"),
    Turn(4, rings=True, kind="retrain.deferred", reason=f"the daily budget of {BUDGET} is spent"),
    Turn(15, rings=False, kind="retrain.requested", reason="which waited"),
    Turn(6, rings=True, kind="retrain.deferred", reason="(longer after 3 losses in a row)"),
    Turn(14, rings=True, kind="retrain.requested", reason="beyond the limit"),
)


@pytest.fixture(scope="module")
def pumps(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pumps]:
    """Version 1 serves; its training script cannot learn from what comes after February."""
    assert FAILING != MENDED
    with pumps_deployed(own_cloud, tmp_path_factory.mktemp("pumps"), SPEC, FAILING) as made:
        made.serve_january()
        yield made


def labelled_part(pumps: Pumps, number: int) -> None:
    """Some days of April come, with their labels."""
    path = Path(pumps.folder / f"april-{number}.parquet")
    data.month(4).iloc[PART * number : PART * (number + 1)].to_parquet(path, index=False)
    assert pumps.loop.drop(path.name, path.read_bytes()).state == "Accepted"


def failed(pumps: Pumps) -> None:
    """The training that was asked for has broken off, and is counted as lost."""
    released = len(pumps.entries("training.released"))
    wait_until(lambda: len(pumps.entries("training.released")) > released, 600, lambda: "no training ended")
    assert pumps.entries("training.released")[-1].data["outcome"] == "Failed"


def play(pumps: Pumps, number: int, turn: Turn) -> None:
    labelled_part(pumps, number)
    requested = len(pumps.entries("retrain.requested"))
    pumps.loop.cloud.advance(turn.hours * HOUR_S)
    if turn.rings:
        said = pumps.ring("Drift")
    else:
        wait_until(lambda: len(pumps.entries("retrain.requested")) > requested, 600, lambda: "it was not taken up")
        said = pumps.entries("retrain.requested")[-1]
        assert said.data["cause"] == "look"
        assert pumps.alarm_name("Drift") in said.data["settles"]
    assert (said.kind, turn.reason in said.data["reason"]) == (turn.kind, True), (turn, said.data["reason"])
    if turn.kind == "retrain.requested":
        failed(pumps)


def test_a_training_that_always_fails_starts_no_oftener_than_cooldown_backoff_and_budget_allow(pumps: Pumps) -> None:
    march = data.month(3)
    march.to_parquet(pumps.folder / "march.parquet", index=False)
    assert pumps.loop.drop("march.parquet", (pumps.folder / "march.parquet").read_bytes()).state == "Accepted"
    pumps.traffic(data.month(3, seed=8))
    assert pumps.a_day_later().state == "Measured"
    assert pumps.trained().status == "FAILED"
    pumps.loop.cloud.set_speed(SLOW)
    for number, turn in enumerate(TURNS):
        play(pumps, number, turn)
    starts = [entry.at.timestamp() for entry in pumps.entries("retrain.requested")]
    assert len(starts) == LOSSES
    waited = [after - before for before, after in pairwise(starts)]
    assert all(gap >= COOLDOWN_H * HOUR_S * FACTOR**lost for lost, gap in enumerate(waited))
    assert max(sum(start - DAY_S < other <= start for other in starts) for start in starts) <= BUDGET
    assert pumps.serving() == 1


def test_it_has_given_up_and_an_alarm_starts_nothing_until_somebody_who_may_approve_resumes(pumps: Pumps) -> None:
    wait_until(lambda: pumps.entries("retrain.given_up"), 600, lambda: "it did not give up")
    trainings = len(pumps.loop.executions("training"))
    labelled_part(pumps, len(TURNS))
    pumps.loop.cloud.advance(4 * HOUR_S)
    said = pumps.ring("Drift")
    assert said.kind == "retrain.deferred"
    assert said.data["reason"].startswith("given up since ")
    wait_until(lambda: pumps.loop.alarm("RetrainingsGivenUp") == "ALARM", 600, lambda: "nobody is told")
    reader = person(pumps.loop.cloud, "Reader")
    told = reader.trimtab("retraining", "status", "tiny")
    assert (told["state"], told["losses"], told["new"]["files"]) == ("given_up", LOSSES, 1)
    assert pumps.alarm_name("Drift") in [each["key"] for each in told["waiting"]]
    reader.refused("retraining", "resume", "tiny", "--reason", "mine")
    assert len(pumps.loop.executions("training")) == trainings == LOSSES + 1


def test_when_a_person_resumes_what_was_kept_is_trained_by_the_mended_code(pumps: Pumps) -> None:
    (pumps.folder / "tiny" / "train.py").write_text(MENDED)
    pumps.redeploy()
    pumps.loop.cloud.set_speed(SPEED)
    pumps.loop.settle("recovery")
    pumps.loop.settle("training")
    ann = person(pumps.loop.cloud, "Approver")
    ann.trimtab("retraining", "resume", "tiny", "--reason", "hot pumps are no error any more")
    assert pumps.trained().state == "Registered"
    resumed = pumps.entries("retrain.resumed")[-1].data
    assert ":user/approver" in resumed["by"]
    assert resumed["reason"] == "hot pumps are no error any more"
    assert pumps.alarm_name("Drift") in pumps.entries("retrain.requested")[-1].data["settles"]
    wait_until(lambda: pumps.loop.alarm("RetrainingsGivenUp") == "OK", 600, lambda: "the alarm goes on")
    assert ann.trimtab("retraining", "status", "tiny")["state"] == "ready"


def test_the_next_alarm_trains_again_and_every_ring_has_its_answer(pumps: Pumps) -> None:
    labelled_part(pumps, len(TURNS) + 1)
    pumps.loop.cloud.advance(DAY_S + HOUR_S)
    said = pumps.ring("Drift")
    assert (said.kind, said.data["cause"]) == ("retrain.requested", "alarm")
    assert pumps.loop.next("training", 600).state == "Registered"
    drift = pumps.alarm_name("Drift")
    assert len(pumps.decisions(drift)) == pumps.rings(drift)
    assert len(pumps.entries("retrain.requested")) == len(pumps.loop.executions("training")) - 1
    assert pumps.serving() == 1
