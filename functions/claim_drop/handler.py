"""Decides whether a dropped object is worked on; first step of the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.claim import ClaimOutcome, Decision, claim_drop, conclude
from trimtab.intake.identify import Identification, kind_of
from trimtab.intake.quarantine import refusal_of


class ClaimDropEvent(Event):
    """An object that S3 says was created, or the copy of a refused one that somebody replays."""

    bucket: str
    key: str
    version: str
    size: int
    sequencer: str = ""
    hashed: bool = False
    """Whether its objects were hashed in shares since this execution was asked first."""


@entrypoint(ClaimDropEvent)
def handler(event: ClaimDropEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop is claimed for this execution, or the ledger says why it is not; or it is to be hashed first."""
    execution = event.execution or f"{event.key}@{event.version}"
    drop = _named(event, runtime)
    if (size := _size(drop, runtime)) is None:
        return _answer(_removed(drop, runtime, execution))
    lists, folder = runtime.artifact("drops"), runtime.temporary("hashing", execution)
    identification = Identification(runtime.spec.data, runtime.objects, lists, folder)
    identify = identification.finish if event.hashed else identification.begin
    try:
        found = identify(drop.model_copy(update={"size": size}))
    except FileNotFoundError:
        return _answer(_removed(drop, runtime, execution))
    if isinstance(found, int):
        return {"outcome": "Unhashed", "shares": list(range(found))}
    return _answer(claim_drop(runtime.ledger, found, execution, event.at))


def _named(event: ClaimDropEvent, runtime: Runtime) -> Drop:
    """The drop, still without its content; that of a replay is what the ledger says of the refused one."""
    said = event.model_dump(include={"bucket", "key", "version", "size", "sequencer", "at"})
    refused = refusal_of(runtime.ledger, f"s3://{event.bucket}/{event.key}")
    if refused is not None:
        known = {"kind": refused["kind"], "parts": refused.get("parts", ""), "replays": refused["execution"]}
        return Drop(id="", sha256="", **(said | known))
    return Drop(id="", sha256="", kind=kind_of(event.model, event.key), **said)


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
