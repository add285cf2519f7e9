"""Do endpoint, registry, alarms and keys agree with what the ledger says serves? If not, what helps?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from trimtab.names import ModelNames, composites_of, model_stack_name
from trimtab.ports import EndpointState, Package
from trimtab.rollout.approval import is_approved
from trimtab.spec import Spec
from trimtab.telemetry import Metric, metric_of

WATCHED = (Metric.PSI_MAX, Metric.PSI_PREDICTION, Metric.QUALITY_DROP, Metric.READING, Metric.RECONCILE_FINDINGS)
"""Metrics without whose alarms nobody would hear of what goes wrong."""
_LOST = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed", "Deleting"})
_PROMPT = timedelta(minutes=30)
"""An approval that nothing has come of for so long was lost."""


MEASURING = frozenset((Metric.PSI_MAX, Metric.PSI_WEIGHTED, Metric.PSI_PREDICTION, Metric.QUALITY_DROP))
"""Those of them whose alarms tell people through a page."""


def watched(spec: Spec) -> tuple[Metric, ...]:
    """Those of a spec: drift that counts by importance has an alarm on its weighted mean, and none on the largest;
    long silences are told by a metric of their own, and without anything to measure there is no alarm on silence."""
    others = {Metric.PSI_MAX: metric_of("drift", spec.monitoring)}
    others |= {Metric.READING: Metric.SILENT_HOURS} if spec.monitoring.tells_its_silence else {}
    without = () if spec.is_measured else (Metric.READING,)
    return tuple(others.get(metric, metric) for metric in WATCHED if metric not in without)


@dataclass(frozen=True)
class Watcher:
    """An alarm on one of the model's metrics."""

    name: str
    enabled: bool
    """Its actions are carried out; of a page, that it has any."""


class Surroundings(Protocol):
    """What else is to be seen around production."""

    def capture(self, endpoint: str) -> str | None:
        """Started or Stopped; None when the endpoint captures nothing, or is gone."""
        ...

    def watchers(self, metric: str, dimensions: Mapping[str, str]) -> list[Watcher]: ...

    def pages(self, prefix: str, above: Sequence[str]) -> list[Watcher]:
        """Composite alarms whose name starts so, and that ring when one of these alarms does."""
        ...

    def key_state(self, key_id: str) -> str:
        """Enabled, Disabled, PendingDeletion, …; Missing when there is none."""
        ...

    def scales(self, endpoint: str, variant: str) -> bool:
        """Whether Application Auto Scaling knows the variant's instances."""
        ...

    def deployed(self, endpoint_arn: str) -> str | None:
        """The endpoint config that lineage says was put into production last; None when it tells of none."""
        ...


@dataclass(frozen=True)
class Finding:
    """One disagreement."""

    name: str
    what: str
    command: str
    """What helps, ready to be run."""

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "what": self.what, "command": self.command}


@dataclass(frozen=True)
class Observed:
    """Everything that was looked at, in one moment."""

    at: datetime
    names: ModelNames
    spec: Spec
    champion: Mapping[str, Any] | None
    """What the ledger says serves."""
    live: EndpointState | None
    is_busy: bool
    """Somebody holds the lease, so production may be on its way."""
    is_asleep: bool = False
    """The endpoint was taken down on purpose, until it is woken."""
    config_exists: bool = True
    missing_models: Sequence[str] = ()
    """SageMaker models of the live config that are gone."""
    package: Package | None = None
    """The champion's."""
    newest: Package | None = None
    answered: bool = False
    """The newest version's approval waits for its turn, or has had it."""
    staging: EndpointState | None = None
    capture: str | None = None
    watchers: Mapping[str, Sequence[Watcher]] = field(default_factory=dict)
    """By the metric's name."""
    pages: Sequence[Watcher] = ()
    """Alarms above those on measurements, which by themselves tell nobody."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """State by the key's id."""
    scales: bool = True
    measured: bool = True
    """The champion has a published baseline."""
    deployed: str | None = None
    """The endpoint config that lineage says serves."""


def findings(seen: Observed) -> list[Finding]:
    """Every disagreement; what is in motion is not one."""
    at_rest = (
        [] if seen.is_busy else [*_serving(seen), *_approvals(seen), *_staging(seen), *_registry(seen), *_lineage(seen)]
    )
    return [*at_rest, *_capture(seen), *_scaling(seen), *_alarms(seen), *_keys(seen)]


def _back(seen: Observed, why: str, version: Any = None) -> str:
    to = f" --to {version}" if version else ""
    return f'trimtab rollback {seen.names.model}{to} --reason "{why}"'


def _serving(seen: Observed) -> Iterator[Finding]:
    live, champion, endpoint = seen.live, seen.champion, seen.names.endpoint
    if champion is None:
        if live is not None:
            what = f"the endpoint {endpoint} serves {live.config}, and the ledger knows of no version that serves"
            yield Finding("endpoint-unknown", what, f"aws sagemaker delete-endpoint --endpoint-name {endpoint}")
        return
    version = champion["version"]
    if live is None or live.status == "Deleting":
        if not seen.is_asleep:
            what = f"the endpoint {endpoint} does not exist; version {version} should serve"
            yield Finding("endpoint-gone", what, _back(seen, "the endpoint was deleted", version))
        return
    yield from _existing(seen, live, champion)


def _existing(seen: Observed, live: EndpointState, champion: Mapping[str, Any]) -> Iterator[Finding]:
    version, recorded = champion["version"], champion.get("config")
    if live.config != recorded:
        what = f"{live.name} serves {live.config}, which nobody recorded; version {version} ({recorded}) should serve"
        yield Finding("config-unrecorded", what, _back(seen, f"{live.config} was put there by hand", version))
    if live.status in _LOST:
        what = f"{live.name} is {live.status}: {live.failure or 'SageMaker gives no reason'}"
        yield Finding("endpoint-broken", what, _back(seen, f"the endpoint is {live.status}", version))
    elif live.pending_config:
        what = f"{live.name} is moving to {live.pending_config}, and no promotion or rollback is under way"
        described = f"aws sagemaker describe-endpoint --endpoint-name {live.name}"
        yield Finding("moved-by-hand", what, described)
    if not seen.measured:
        what = f"version {version} serves and its baseline was never published: none of its windows is measured"
        yield Finding("baseline-missing", what, _back(seen, "its baseline is missing", version))
    gone = [*([] if seen.config_exists else [f"endpoint config {live.config}"]), *seen.missing_models]
    if gone:
        what = f"{' and '.join(gone)} was deleted while {live.name} uses it: SageMaker cannot replace an instance"
        yield Finding("parts-gone", what, _back(seen, "what serves was deleted", version))


def _approvals(seen: Observed) -> Iterator[Finding]:
    newest, champion = seen.newest, seen.champion
    if newest is None or not is_approved(newest) or seen.answered:
        return
    is_newer = champion is None or newest.version > int(champion["version"])
    changed = newest.modified or newest.created
    if is_newer and seen.at - changed > _PROMPT:
        what = f"version {newest.version} is Approved since {changed:%Y-%m-%d %H:%M} and neither serves nor waits"
        model, version = seen.names.model, newest.version
        command = f"trimtab approve {model} {version} --again"
        yield Finding("approval-lost", what, command)


def _staging(seen: Observed) -> Iterator[Finding]:
    staging = seen.staging
    if staging is not None and staging.status != "Deleting" and not seen.spec.rollout.staging_test.keep:
        name = staging.name
        what = f"the staging endpoint {name} was left over and costs money"
        yield Finding("staging-left", what, f"aws sagemaker delete-endpoint --endpoint-name {name}")


def _registry(seen: Observed) -> Iterator[Finding]:
    if seen.champion is None:
        return
    version, arn = seen.champion["version"], seen.champion["package_arn"]
    if seen.package is None:
        what = f"version {version} serves, and its package is gone from the registry"
        yield Finding("package-gone", what, _back(seen, "its package was deleted"))
    elif not is_approved(seen.package):
        what = f"version {version} serves, and its package is {seen.package.status}, not Approved"
        command = _back(seen, "its approval was withdrawn")
        yield Finding(
            "champion-unapproved", what, f"{command}, or trimtab approve {seen.names.model} {version} ({arn})"
        )


def _lineage(seen: Observed) -> Iterator[Finding]:
    """Lineage, which whoever audits SageMaker without the ledger goes by, tells of what the ledger says serves."""
    if seen.champion is None or seen.deployed == seen.champion.get("config"):
        return
    model, version = seen.names.model, seen.champion["version"]
    told = f"tells of {seen.deployed}" if seen.deployed else "tells of nothing"
    what = f"version {version} serves by {seen.champion.get('config')}, and lineage {told}"
    name = "lineage-other" if seen.deployed else "lineage-missing"
    yield Finding(name, what, f"trimtab lineage {model}@{version} --note")


def _capture(seen: Observed) -> Iterator[Finding]:
    rollout = seen.spec.rollout
    wanted = (
        rollout.capture_percent > 0 and rollout.endpoint.kind != "serverless"
    )  # SageMaker captures no such endpoint
    if seen.live is None or seen.champion is None or not wanted:
        return
    if seen.capture != "Started":
        what = f"{seen.live.name} captures nothing (it says {seen.capture or 'nothing of it'}): drift goes unseen"
        query = f"aws sagemaker describe-endpoint --endpoint-name {seen.live.name} --query DataCaptureConfig"
        yield Finding("capture-off", what, query)


def _scaling(seen: Observed) -> Iterator[Finding]:
    if seen.live is not None and not seen.scales:
        what = f"rollout.endpoint.autoscaling is set, and nothing scales {seen.live.name}"
        command = (
            "aws application-autoscaling describe-scalable-targets --service-namespace sagemaker; a rollout or "
            + _back(seen, "autoscaling was lost", seen.champion["version"] if seen.champion else None)
        )
        yield Finding("scaling-lost", what, command)


def _alarms(seen: Observed) -> Iterator[Finding]:
    stack = stack_of(seen.names)
    for metric, watchers in seen.watchers.items():
        if not watchers:
            yield Finding(f"alarm-missing:{metric}", f"no alarm watches {metric} any more", f"cdk deploy {stack}")
        for watcher in watchers:
            if not watcher.enabled:
                command = f"aws cloudwatch enable-alarm-actions --alarm-names {watcher.name}"
                yield Finding(f"alarm-disabled:{metric}", f"the alarm {watcher.name} tells nobody", command)
    if any(seen.watchers.get(metric) for metric in MEASURING):
        yield from _page(seen)


def stack_of(names: ModelNames) -> str:
    """The stack that has the model's alarms; their names begin with its."""
    return model_stack_name(names.stage, names.model)


def pages_of(names: ModelNames) -> str:
    """What the names of the model's composite alarms begin with."""
    return composites_of(stack_of(names))


def _page(seen: Observed) -> Iterator[Finding]:
    """Somebody hears of measurements."""
    if not seen.pages:
        what = "no alarm is above those on measurements: nobody would be told of them"
        yield Finding("alarm-missing:Page", what, f"cdk deploy {stack_of(seen.names)}")
    elif not any(page.enabled for page in seen.pages):
        names = " ".join(page.name for page in seen.pages)
        command = f"aws cloudwatch enable-alarm-actions --alarm-names {names}, or cdk deploy {stack_of(seen.names)}"
        yield Finding("alarm-disabled:Page", f"{names}, above the alarms on measurements, tells nobody", command)


def _keys(seen: Observed) -> Iterator[Finding]:
    undo = {"PendingDeletion": "cancel-key-deletion", "Disabled": "enable-key"}
    for key, state in seen.keys.items():
        if state != "Enabled":
            what = f"the key {key} is {state}: what it encrypts can be neither read nor written"
            yield Finding(f"key-{state}:{key}", what, f"aws kms {undo.get(state, 'describe-key')} --key-id {key}")
