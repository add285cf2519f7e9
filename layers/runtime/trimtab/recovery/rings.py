"""How long alarms have rung, from the ledger: a row where each begins, and one where it ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from trimtab.ledger.kinds import ALARM_CLEARED, ALARM_TOLD, RETRAIN_DEFERRED, RETRAIN_REQUESTED, RETRAIN_SUPPRESSED
from trimtab.names import alarm_id
from trimtab.ports import Entry
from trimtab.recovery.history import DECISIONS

FOLD = timedelta(hours=1)
"""An alarm that rings again within it and is answered the same has no other row: one that flaps writes one an hour."""
UNHEARD: Final = frozenset({"page", "service_page", "settling", "recovery_broken"})
"""Sums of alarms that are heard themselves, what mutes the page, and the one that says that nothing is heard.

The same as the stack's ``ModelAlarms.unheard``, which keeps the events of these alarms away from recovery; here they
are kept out of what a look finds, by name alone, as the run time knows nothing of constructs. ``page`` and
``service_page`` are two composites, above measurements and above the endpoint: neither name covers the other. A test of
the templates holds both lists to each other.
"""


def kind_named(alarm: str) -> str:
    """What an alarm is about: ``given_up``. Empty for an alarm that no stack of Trimtab's has made."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", alarm_id(alarm)).lower()


@dataclass(frozen=True)
class Rings:
    """What the ledger knows; ``entries`` hold all decisions and all ends of alarms, in order."""

    entries: Sequence[Entry]

    @cached_property
    def open(self) -> dict[str, Entry]:
        """The row of every alarm that rings as far as the ledger knows, by name."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.kind == ALARM_CLEARED:
                found.pop(str(entry.data["alarm"]), None)
            elif _begins(entry):
                found[str(entry.data["alarm"])] = entry
        return found

    def repeats(self, alarm: str, outcome: str, reason: str, at: datetime) -> bool:
        """Whether a row of the last hour says the same of the alarm already. What starts a training always counts."""
        answers = (entry for entry in self.entries if _begins(entry) and entry.data["alarm"] == alarm)
        near = (entry for entry in answers if abs(entry.at - at) < FOLD)
        return outcome != RETRAIN_REQUESTED and any(
            (each.kind, each.data["reason"]) == (outcome, reason) for each in near
        )


def _begins(entry: Entry) -> bool:
    """Rows of a look that let a request expire are about an alarm, and are none of its beginnings."""
    if entry.kind not in DECISIONS or not entry.data.get("alarm"):
        return False
    return entry.kind == ALARM_TOLD or (
        entry.kind in (RETRAIN_REQUESTED, RETRAIN_SUPPRESSED, RETRAIN_DEFERRED) and entry.data["cause"] == "alarm"
    )
