"""Puts a candidate that passed its gates into the model registry, signed; called by the training machine."""

from dataclasses import dataclass
from typing import Any

from trimtab.aws.jobs import SageMakerJobs
from trimtab.aws.lineage import SageMakerLineage
from trimtab.aws.model_cards import SageMakerModelCards
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.signing import KmsSigner
from trimtab.contracts import Dataset, Event, Judgement
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lineage_graph import Lineage
from trimtab.names import RECORDS
from trimtab.ports import Jobs, ModelCards, ModelRegistry, Signer
from trimtab.telemetry import Metric
from trimtab.training.registration import Registration


class RegisterCandidateEvent(Event):
    """A run that was judged."""

    run: str
    dataset: Dataset
    judgement: Judgement
    requested_by: str = ""
    """Who asked for the training, when a person did."""
    artifact_uri: str = ""
    """Where the training job has put the model; where a job of the run's name puts it when empty."""


@dataclass(frozen=True)
class Services:
    """What a registration writes to, besides ledger and objects."""

    registry: ModelRegistry
    signer: Signer
    jobs: Jobs
    cards: ModelCards
    lineage: Lineage


@entrypoint(RegisterCandidateEvent)
def handler(event: RegisterCandidateEvent, runtime: Runtime) -> dict[str, Any]:
    """A version waits for a person's approval."""
    services = Services(
        SageMakerRegistry.connect(),
        KmsSigner.connect(runtime.settings.signing_key_id),
        SageMakerJobs.connect(),
        SageMakerModelCards.connect(),
        SageMakerLineage.connect(),
    )
    return register(event, runtime, services)


def register(event: RegisterCandidateEvent, runtime: Runtime, services: Services) -> dict[str, Any]:
    """The same version to every retry."""
    registration = Registration(
        run=event.run,
        artifact_uri=event.artifact_uri or runtime.artifact("runs", event.run, "output", "model.tar.gz"),
        at=event.at,
        spec=runtime.spec,
        settings=runtime.settings,
        artifact=runtime.artifact,
        ledger=runtime.ledger,
        objects=runtime.objects,
        **vars(services),
    )
    if found := registration.earlier():
        return found
    package = registration.register(event.dataset, event.judgement, event.requested_by)
    runtime.metrics.put(Metric.CANDIDATES_REGISTERED, 1)
    runtime.notifier.send(
        f"version {package.version} waits for approval",
        f"Version {package.version} passed its gates and waits in the registry.",
        f"It was trained by run {event.run}.",
        "Read its model card, then approve or reject it in the model registry; nothing is deployed until then.",
        runtime.artifact(RECORDS, event.run, "model_card.html"),
    )
    return {"package_arn": package.arn, "version": package.version}
