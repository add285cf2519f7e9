"""Who may work on a drop: the first execution that brings a content, and nobody for an outdated version.

Claims are keyed by content, so one file under two keys, or one notice delivered twice, is worked on once. A claim ends
when its work came to nothing that stands: the execution failed, the file was refused (and comes again, or is replayed),
or the key it was for holds other content by now. Then the same content may be claimed anew, under a name that follows
from the ended claim, so that of many executions that try at once one wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from trimtab.contracts import Drop
from trimtab.intake.record import about, recorded
from trimtab.intake.sequencer import precedes
from trimtab.ledger.kinds import (
    DROP_CLAIMED,
    DROP_DUPLICATE,
    DROP_QUARANTINED,
    DROP_REMOVED,
    DROP_SUPERSEDED,
    MACHINE_FAILED,
)
from trimtab.ports import Claim, Ledger

ACTOR: Final = "claim_drop"


class ClaimOutcome(StrEnum):
    """What claim_drop answers."""

    CLAIMED = "Claimed"
    DUPLICATE = "Duplicate"
    SUPERSEDED = "Superseded"
    REMOVED = "Removed"


_KINDS: Final = {
    ClaimOutcome.CLAIMED: DROP_CLAIMED,
    ClaimOutcome.DUPLICATE: DROP_DUPLICATE,
    ClaimOutcome.SUPERSEDED: DROP_SUPERSEDED,
    ClaimOutcome.REMOVED: DROP_REMOVED,
}


@dataclass(frozen=True)
class Decision:
    """An outcome and why."""

    outcome: ClaimOutcome
    reason: str
    drop: Drop
    more: Mapping[str, Any]
    """What else the ledger keeps: the first claim of a duplicate, the newer version of a superseded drop."""


def claim_drop(ledger: Ledger, drop: Drop, execution: str, at: datetime) -> Decision:
    """The decision on a drop, in the ledger. A retry of the same execution gets the same answer again."""
    newest = ledger.state(_newest(drop))
    own = recorded(ledger, DROP_CLAIMED, drop.id, execution)
    if own is None and newest and precedes(drop.sequencer, newest["sequencer"]):
        reason = f"version {newest['version']} of the same key is newer"
        return conclude(ledger, Decision(ClaimOutcome.SUPERSEDED, reason, drop, {"newer": newest}), execution, at)
    claim = _claim(ledger, drop, execution, at)
    if claim.first:
        decision = Decision(ClaimOutcome.CLAIMED, "first with this content", drop, {})
    else:
        first = {"execution": claim.holder, "uri": claim.data["uri"], "version": claim.data["version"]}
        reason = f"the same content came before as {claim.data['key']}"
        decision = Decision(ClaimOutcome.DUPLICATE, reason, drop, {"first": first})
    return conclude(ledger, decision, execution, at)


def conclude(ledger: Ledger, decision: Decision, execution: str, at: datetime) -> Decision:
    """The decision, in the ledger exactly once."""
    kind, drop = _KINDS[decision.outcome], decision.drop
    subject = drop.id or drop.key
    if recorded(ledger, kind, subject, execution) is None:
        summary = f"{drop.file_name}: {decision.outcome.value}, {decision.reason}"
        state = _state(ledger, drop) if decision.outcome is ClaimOutcome.CLAIMED else {}
        ledger.append(kind, subject, about(drop, execution, summary, **decision.more), at, ACTOR, state=state)
    return decision


def _claim(ledger: Ledger, drop: Drop, execution: str, at: datetime) -> Claim:
    name = f"drop#{drop.kind.value}#{drop.sha256}"
    data = drop.to_json() | {"uri": drop.uri}
    while True:
        claim = ledger.claim(name, execution, at, data)
        if claim.first or not _ended(ledger, claim, drop):
            return claim
        name = f"drop#{drop.kind.value}#{drop.sha256}#after#{claim.holder}"


def _ended(ledger: Ledger, claim: Claim, drop: Drop) -> bool:
    """Whether the claim's work came to nothing that stands; a second notice of a refused version changes nothing."""
    if any(entry.kind == MACHINE_FAILED for entry in ledger.entries(MACHINE_FAILED, claim.holder)):
        return True
    if claim.data["version"] == drop.version and not drop.replays:
        return False
    newest = ledger.state(f"newest#{claim.data['key']}")
    overwritten = newest is not None and newest["sha256"] != drop.sha256
    return overwritten or recorded(ledger, DROP_QUARANTINED, drop.id, claim.holder) is not None


def _state(ledger: Ledger, drop: Drop) -> dict[str, dict[str, str]]:
    newest = ledger.state(_newest(drop))
    if newest and precedes(drop.sequencer, newest["sequencer"]):
        return {}
    return {_newest(drop): {"sequencer": drop.sequencer, "version": drop.version, "sha256": drop.sha256}}


def _newest(drop: Drop) -> str:
    return f"newest#{drop.key}"
