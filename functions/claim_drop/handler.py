"""Decides whether a dropped object is worked on; first step of the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.claim import ClaimOutcome, Decision, claim_drop, conclude
from trimtab.intake.identify import kind_of, sha256_of


class ClaimDropEvent(Event):
    """An object that S3 says was created."""

    bucket: str
    key: str
    version: str
    size: int
    sequencer: str = ""


@entrypoint(ClaimDropEvent)
def handler(event: ClaimDropEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop is claimed for this execution, or the ledger says why it is not."""
    execution = event.execution or f"{event.key}@{event.version}"
    drop = _identified(event, "", event.size)
    if (size := _size(drop, runtime)) is None:
        return _answer(_removed(drop, runtime, execution))
    try:
        with runtime.objects.open(drop.uri, event.version) as stream:
            drop = _identified(event, sha256_of(stream), size)
    except FileNotFoundError:
        return _answer(_removed(drop, runtime, execution))
    return _answer(claim_drop(runtime.ledger, drop, execution, event.at))


def _identified(event: ClaimDropEvent, sha256: str, size: int) -> Drop:
    said = event.model_dump(include={"bucket", "key", "version", "sequencer", "at"})
    return Drop(id=sha256[:16], kind=kind_of(event.model, event.key), sha256=sha256, size=size, **said)


def _size(drop: Drop, runtime: Runtime) -> int | None:
    """Bytes of the version; None when it is gone or the key was deleted since."""
    if runtime.objects.head(drop.uri) is None:
        return None
    version = runtime.objects.head(drop.uri, drop.version)
    return version.size if version else None


def _removed(drop: Drop, runtime: Runtime, execution: str) -> Decision:
    decision = Decision(ClaimOutcome.REMOVED, "it was removed before it was read", drop, {})
    return conclude(runtime.ledger, decision, execution, drop.at)


def _answer(decision: Decision) -> dict[str, Any]:
    answer = {"outcome": decision.outcome.value, "reason": decision.reason, "drop": decision.drop.to_json()}
    return answer | dict(decision.more)
