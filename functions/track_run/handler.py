"""Tells trackers of a run that has ended, and of a version that serves; called for the end of such a machine."""

from collections.abc import Callable, Mapping
from typing import Any

from trimtab.aws.mlflow import bucket_writer, connect
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import ServiceRefused
from trimtab.ledger.kinds import CHAMPION_TRACKED, ROLLBACK_DONE, ROLLOUT_SERVING, RUN_TRACKED
from trimtab.ledger.lookup import decided
from trimtab.tracking.mlflow import MlflowTracker
from trimtab.tracking.tracked import TrackedRun, Tracker
from trimtab.tracking.wandb import WandbOffline
from trimtab.training.tracked import Told

ACTOR = "track_run"
Trackers = Mapping[str, Tracker]


class TrackRunEvent(Event):
    """An execution of the training, the promotion or the rollback machine that has ended."""


@entrypoint(TrackRunEvent)
def handler(event: TrackRunEvent, runtime: Runtime) -> dict[str, Any]:
    """The ledger says where the run is tracked, or why it is not."""
    return track(event, runtime, trackers(runtime))


def trackers(runtime: Runtime) -> dict[str, Tracker]:
    """By name, those that the spec asks for in this stage."""
    spec, found = runtime.spec.tracking, dict[str, Tracker]()
    if uri := spec.mlflow_uri(runtime.settings.stage):
        experiment = spec.experiment or runtime.names.package_group
        found["mlflow"] = MlflowTracker(connect(uri), experiment, bucket_writer(runtime.objects))
    if spec.wandb:
        found["wandb"] = WandbOffline(spec.wandb, _writer(runtime))
    return found


def _writer(runtime: Runtime) -> Callable[[str, bytes], str]:
    def write(path: str, body: bytes) -> str:
        uri = runtime.artifact("tracking", "wandb", path)
        runtime.objects.write(uri, body)
        return uri

    return write


def track(event: TrackRunEvent, runtime: Runtime, told: Trackers) -> dict[str, Any]:
    """A retry of the same event writes nothing twice."""
    for kind in (ROLLOUT_SERVING, ROLLBACK_DONE):
        serves = decided(runtime.ledger, kind, event.execution)
        if serves and "run" in serves["champion"]:
            return _champion(event, runtime, told, serves["champion"])
    run = Told(runtime.spec, runtime.ledger, runtime.objects, runtime.artifact).run(event.execution)
    if run is None:
        return {}
    if found := decided(runtime.ledger, RUN_TRACKED, run.name):
        return dict(found)
    return _note(event, runtime, RUN_TRACKED, run.name, {name: _recorded(each, run) for name, each in told.items()})


def _champion(event: TrackRunEvent, runtime: Runtime, told: Trackers, champion: Mapping[str, Any]) -> dict[str, Any]:
    if found := decided(runtime.ledger, CHAMPION_TRACKED, event.execution):
        return dict(found)
    run, version = str(champion["run"]), int(champion["version"])
    where = {name: _marked(each, runtime.model, run, version) for name, each in told.items()}
    return _note(event, runtime, CHAMPION_TRACKED, event.execution, where)


def _recorded(tracker: Tracker, run: TrackedRun) -> str:
    return _tried(lambda: tracker.record(run))


def _marked(tracker: Tracker, model: str, run: str, version: int) -> str:
    return _tried(lambda: tracker.champion(model, run, version))


def _tried(act: Callable[[], str]) -> str:
    """Where it is found, or the tracker's own refusal: no tracker can make a run fail."""
    try:
        return act()
    except ServiceRefused as refused:
        return f"not tracked: {refused}"[:500]


def _note(event: TrackRunEvent, runtime: Runtime, kind: str, subject: str, where: dict[str, str]) -> dict[str, Any]:
    summary = "; ".join(f"{name}: {said}" for name, said in where.items())[:500]
    data = {"trackers": where, "summary": summary}
    runtime.ledger.append(kind, subject, data, event.at, ACTOR)
    return data
