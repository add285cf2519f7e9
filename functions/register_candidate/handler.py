"""Puts a candidate that passed its gates into the model registry, signed; called by the training machine."""

from typing import Any

from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.signing import KmsSigner
from trimtab.contracts import Dataset, Event, Judgement
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import ModelRegistry, Signer
from trimtab.telemetry import Metric
from trimtab.training.registration import Registration


class RegisterCandidateEvent(Event):
    """A run that was judged."""

    run: str
    dataset: Dataset
    judgement: Judgement
    requested_by: str = ""
    """Who asked for the training, when a person did."""


@entrypoint(RegisterCandidateEvent)
def handler(event: RegisterCandidateEvent, runtime: Runtime) -> dict[str, Any]:
    """A version waits for a person's approval."""
    return register(event, runtime, SageMakerRegistry.connect(), KmsSigner.connect(runtime.settings.signing_key_id))


def register(
    event: RegisterCandidateEvent, runtime: Runtime, registry: ModelRegistry, signer: Signer
) -> dict[str, Any]:
    """The same version to every retry."""
    registration = Registration(
        run=event.run,
        at=event.at,
        settings=runtime.settings,
        runs_uri=runtime.artifact("runs"),
        ledger=runtime.ledger,
        objects=runtime.objects,
        registry=registry,
        signer=signer,
    )
    if found := registration.earlier():
        return found
    package = registration.register(event.dataset, event.judgement, event.requested_by)
    runtime.metrics.put(Metric.CANDIDATES_REGISTERED, 1)
    runtime.notifier.send(
        f"version {package.version} waits for approval",
        f"Version {package.version} passed its gates and waits in the registry.",
        f"It was trained by run {event.run}.",
        "Approve or reject it in the model registry; nothing is deployed until then.",
        event.judgement.evaluation_uri,
    )
    return {"package_arn": package.arn, "version": package.version}
