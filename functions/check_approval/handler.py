"""Decides whether an approved package may be promoted; first step of the promotion machine."""

from typing import Any

from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.signing import KmsSigner
from trimtab.contracts import Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lookup import decided
from trimtab.ports import ModelRegistry, Signer
from trimtab.rollout.admission import ACTOR, Admission
from trimtab.rollout.queue import CHECKED


class CheckApprovalEvent(Event):
    """A package whose status was turned to Approved."""

    package_arn: str


@entrypoint(CheckApprovalEvent)
def handler(event: CheckApprovalEvent, runtime: Runtime) -> dict[str, Any]:
    """The promotion holds the lease, or the ledger says why it does not."""
    return check(event, runtime, SageMakerRegistry.connect(), KmsSigner.connect(runtime.settings.signing_key_id))


def check(event: CheckApprovalEvent, runtime: Runtime, registry: ModelRegistry, signer: Signer) -> dict[str, Any]:
    """The same answer to every retry of one execution."""
    execution = event.execution or f"{event.package_arn}@{event.at.isoformat()}"
    if found := decided(runtime.ledger, CHECKED, execution):
        return Promotion.model_validate(found).to_json()
    admission = Admission(
        id=execution,
        at=event.at,
        spec=runtime.spec,
        ledger=runtime.ledger,
        objects=runtime.objects,
        registry=registry,
        signer=signer,
        artifact=runtime.artifact,
    )
    promotion = admission.decide(event.package_arn)
    summary = f"version {promotion.version}: {promotion.outcome}, {promotion.reason}"
    runtime.ledger.append(CHECKED, execution, promotion.to_json() | {"summary": summary}, event.at, ACTOR)
    return promotion.to_json()
