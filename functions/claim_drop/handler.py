"""Decides whether a dropped object is worked on; first step of the intake machine."""

from typing import Any

from trimtab.contracts import Drop, DropKind, Event
from trimtab.datasets.parts import Parts
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.claim import ClaimOutcome, Decision, claim_drop, conclude
from trimtab.intake.identify import kind_of, sha256_of
from trimtab.intake.parts import OBJECT, find_parts
from trimtab.intake.quarantine import refusal_of


class ClaimDropEvent(Event):
    """An object that S3 says was created, or the copy of a refused one that somebody replays."""

    bucket: str
    key: str
    version: str
    size: int
    sequencer: str = ""


@entrypoint(ClaimDropEvent)
def handler(event: ClaimDropEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop is claimed for this execution, or the ledger says why it is not."""
    execution = event.execution or f"{event.key}@{event.version}"
    drop = _named(event, runtime)
    if (size := _size(drop, runtime)) is None:
        return _answer(_removed(drop, runtime, execution))
    try:
        drop = _identified(drop.model_copy(update={"size": size}), runtime)
    except FileNotFoundError:
        return _answer(_removed(drop, runtime, execution))
    return _answer(claim_drop(runtime.ledger, drop, execution, event.at))


def _named(event: ClaimDropEvent, runtime: Runtime) -> Drop:
    """The drop, still without its content; that of a replay is what the ledger says of the refused one."""
    said = event.model_dump(include={"bucket", "key", "version", "size", "sequencer", "at"})
    refused = refusal_of(runtime.ledger, f"s3://{event.bucket}/{event.key}")
    if refused is not None:
        known = {"kind": refused["kind"], "parts": refused.get("parts", ""), "replays": refused["execution"]}
        return Drop(id="", sha256="", **(said | known))
    return Drop(id="", sha256="", kind=kind_of(event.model, event.key), **said)


def _identified(drop: Drop, runtime: Runtime) -> Drop:
    """The drop, identified by what its objects hold. Raises FileNotFoundError when one is gone."""
    how = runtime.spec.data.drop
    if drop.parts or (how != OBJECT and drop.kind is DropKind.DATA and not drop.replays):
        return _of_parts(drop, runtime, how)
    with runtime.objects.open(drop.uri, drop.version) as stream:
        sha256 = sha256_of(stream)
    return drop.model_copy(update={"id": sha256[:16], "sha256": sha256})


def _of_parts(drop: Drop, runtime: Runtime, how: str) -> Drop:
    """The drop of many objects; the list of them, by version, is stored for every later step."""
    if drop.parts:
        found, uri = Parts.loads(runtime.objects.read(drop.parts)), drop.parts
    else:
        home = f"s3://{drop.bucket}/{runtime.model}/{DropKind.DATA.value}/"
        found = find_parts(runtime.objects, drop.uri, drop.version, how, home)
        uri = runtime.artifact("drops", found.sha256[:16], "parts.json")
        runtime.objects.write(uri, found.dumps(), "application/json")
    identity = {"id": found.sha256[:16], "sha256": found.sha256, "size": found.size, "parts": uri}
    return drop.model_copy(update=identity)


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
