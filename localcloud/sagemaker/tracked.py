"""What experiments and lineage are made of: records of several kinds, created, changed and deleted alike."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.sagemaker import listing
from localcloud.sagemaker.callers import user_context
from localcloud.sagemaker.errors import ResourceNotFoundError, ValidationError
from localcloud.sagemaker.service import Operation, Record, Region, Request, public

_SUMMARY = (
    "CreationTime", "LastModifiedTime", "DisplayName", "Source", "Status", "StartTime", "EndTime", "CreatedBy",
    "LastModifiedBy",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of record. `segment` is its part of an ARN; `id` the member by which it is named; `filters` are the
    members (parameters of List*) that a listed record must have; `parent` is the kind whose records hold it."""

    name: str
    segment: str
    id: str
    filters: tuple[str, ...] = ()
    parent: str = ""

    @property
    def arn(self) -> str:
        """The member that is its ARN."""
        return f"{self.name}Arn"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("Artifact", "artifact", "ArtifactArn", ("ArtifactType",)),
        Kind("Action", "action", "ActionName", ("ActionType",)),
        Kind("Context", "context", "ContextName", ("ContextType",)),
        Kind("Experiment", "experiment", "ExperimentName"),
        Kind("Trial", "experiment-trial", "TrialName", ("ExperimentName",), "Experiment"),
        Kind("TrialComponent", "experiment-trial-component", "TrialComponentName"),
    )
}


def find(region: Region, kind: Kind, given: str) -> Record:
    """The record of this name or ARN. Raises ResourceNotFoundError."""
    records = region.tracked.get(kind.name, {})
    found = records.get(given) or next((each for each in records.values() if each[kind.arn] == given), None)
    if found is None:
        raise ResourceNotFoundError(f"{kind.name} '{given}' does not exist.")
    return found


def touch(region: Region, record: Record) -> None:
    """The record was changed now, by the present caller."""
    record.update(LastModifiedTime=region.now(), LastModifiedBy=user_context(region))


def _create(region: Region, kind: Kind, request: Request) -> Record:
    name = request.get(kind.id) or uuid.uuid4().hex
    arn, records = region.arn(kind.segment, name), region.tracked.setdefault(kind.name, {})
    if name in records:
        raise ValidationError(f"{kind.name} with ARN {arn} already exists.")
    if kind.parent:
        find(region, KINDS[kind.parent], request[KINDS[kind.parent].id])
    given = {key: value for key, value in request.items() if key != "Tags"}
    now, caller = region.now(), user_context(region)
    shown = {} if kind.id == kind.arn else {"DisplayName": name}
    times = {"CreationTime": now, "LastModifiedTime": now, "CreatedBy": caller, "LastModifiedBy": caller}
    records[arn if kind.id == kind.arn else name] = {**shown, **given, kind.arn: arn, **times}
    region.set_tags(arn, request.get("Tags", []))
    return {kind.arn: arn}


def _update(region: Region, kind: Kind, request: Request) -> Record:
    """Members are replaced; maps are merged, and lose the keys of their ...ToRemove."""
    record = find(region, kind, request[kind.id])
    for member, value in request.items():
        if member.endswith("ToRemove"):
            kept = record.get(member.removesuffix("ToRemove"), {})
            record[member.removesuffix("ToRemove")] = {key: kept[key] for key in kept if key not in value}
        elif isinstance(value, dict) and member != "Status":
            record[member] = {**record.get(member, {}), **value}
        elif member != kind.id:
            record[member] = value
    touch(region, record)
    return {kind.arn: record[kind.arn]}


def _delete(region: Region, kind: Kind, request: Request) -> Record:
    record = find(region, kind, request[kind.id]) if kind.id in request else _of_source(region, kind, request)
    arn = record[kind.arn]
    holding = [each for each in KINDS.values() if each.parent == kind.name]
    for child in holding:
        if any(each[kind.id] == record[kind.id] for each in region.tracked.get(child.name, {}).values()):
            raise ValidationError(f"{kind.name} {arn} cannot be deleted: delete its {child.name.lower()}s first.")
    if any(arn in pair[:2] for pair in region.associations):
        raise ValidationError(f"{kind.name} {arn} cannot be deleted: delete its associations first.")
    del region.tracked[kind.name][record[kind.id]]
    region.tags.pop(arn, None)
    return {kind.arn: arn}


def _of_source(region: Region, kind: Kind, request: Request) -> Record:
    uri = request.get("Source", {}).get("SourceUri", "")
    for record in region.tracked.get(kind.name, {}).values():
        if record["Source"]["SourceUri"] == uri:
            return record
    raise ResourceNotFoundError(f"{kind.name} of '{uri}' does not exist.")


def _listed(kind: Kind) -> Operation:
    def records(region: Region, request: Request) -> list[Record]:
        found = list(region.tracked.get(kind.name, {}).values())
        for member in kind.filters:
            found = [each for each in found if request.get(member) in (None, each.get(member))]
        for member in ("SourceUri", "SourceArn"):
            if member in request:
                found = [each for each in found if each.get("Source", {}).get(member) == request[member]]
        if kind.name in ("Trial", "TrialComponent"):
            found = [each for each in found if _in_trial(region, kind, each, request)]
        return found

    names = (kind.arn, f"{kind.name}Name", f"{kind.name}Type", *_SUMMARY)
    shown = listing.Listing(records, f"{kind.name}Summaries", f"{kind.name}Name", names, descending=True)
    list_them = listing.operation(shown)
    times = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
    return lambda region, request: list_them(region, {times.get(key, key): each for key, each in request.items()})


def _in_trial(region: Region, kind: Kind, record: Record, request: Request) -> bool:
    """Whether the trial component is in the trial (or in one of the experiment) that is asked for."""
    if kind.name == "Trial":
        return request.get("TrialComponentName") in (None, *record.get("components", []))
    trials = region.tracked.get("Trial", {}).values()
    for member in ("TrialName", "ExperimentName"):
        if member in request:
            trials_asked = [each for each in trials if each[member] == request[member]]
            return any(record["TrialComponentName"] in each.get("components", []) for each in trials_asked)
    return True


def _described(region: Region, kind: Kind, request: Request) -> Record:
    record = find(region, kind, request[kind.id])
    return {key: value for key, value in public(record).items() if key not in ("components", "points")}


def _operation(kind: Kind, act: Callable[[Region, Kind, Request], Any]) -> Operation:
    return lambda region, request: act(region, kind, request)


OPERATIONS: dict[str, Operation] = {
    f"{verb}{kind.name}": _operation(kind, act)
    for kind in KINDS.values()
    for verb, act in {"Create": _create, "Describe": _described, "Update": _update, "Delete": _delete}.items()
} | {f"List{kind.name}s": _listed(kind) for kind in KINDS.values()}
