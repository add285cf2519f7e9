"""What a page, a terminal and a message take from the ledger of a model in production."""

from datetime import timedelta

import pytest

from tests.fakes import NOON, MemoryLedger
from trimtab.ledger import kinds
from trimtab.reports.monitoring_seen import Seen, see


class Watched:
    """A model whose version 2 serves."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.ledger.append(kinds.BASELINE_PUBLISHED, "p2", {"version": 2}, NOON, "test")

    def window(self, name: str, version: int, hours: int) -> None:
        """A window whose last request came so many hours after noon."""
        start, end = ((NOON + timedelta(hours=hour)).isoformat() for hour in (hours - 1, hours))
        window = {"id": name, "rows": 300, "start": start, "end": end}
        self.ledger.append(kinds.WINDOW_MEASURED, name, {"version": version, "window": window}, NOON, "test")

    def seen(self) -> Seen:
        return see("tiny", self.ledger.entries(), lambda _: None, 8)


def test_the_newest_window_is_by_its_requests_and_of_what_serves() -> None:
    watched = Watched()
    for name, version, hours in (("noon", 2, 1), ("evening", 2, 9), ("evening-v1", 1, 9), ("late", 2, 3)):
        watched.window(name, version, hours)
    assert [window.id for window in watched.seen().windows] == ["noon", "late", "evening-v1", "evening"]


@pytest.mark.parametrize(
    "kind",
    [kind for name, kind in vars(kinds).items() if name.startswith(("RETRAIN_", "ALARM_", "ROLLBACK_", "BASELINE_R"))],
)
def test_whatever_is_decided_about_a_model_in_production_is_shown(kind: str) -> None:
    watched = Watched()
    watched.window("noon", 2, 1)
    watched.ledger.append(kind, "it", {"summary": "so it is"}, NOON, "test")
    if kind in (kinds.ROLLBACK_MOVED, kinds.ROLLBACK_MADE_AGAIN, kinds.BASELINE_REFUSED):
        assert watched.seen().acts == [], "a step on the way, or nothing that changed"
    else:
        (act,) = watched.seen().acts
        assert (act.kind, act.summary) == (kind, "so it is")
