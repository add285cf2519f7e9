"""Decides whether an approved package may be promoted; first step of the promotion machine."""

import time
from typing import Any

from trimtab.aws.audit_trail import EventHistory
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.signing import KmsSigner
from trimtab.contracts import Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import APPROVAL_CHECKED
from trimtab.ledger.lookup import decided
from trimtab.ports import ModelRegistry, Signer
from trimtab.rollout.admission import ACTOR, Admission
from trimtab.rollout.ballot import Ballot, Source
from trimtab.rollout.trail import KeptTrail
from trimtab.rollout.votes import AuditTrail


class CheckApprovalEvent(Event):
    """A package whose status was turned to Approved."""

    package_arn: str
    source: Source = "cloudtrail"
    """Who is believed about who approved: CloudTrail, and the registry when CloudTrail has said nothing for long."""


@entrypoint(CheckApprovalEvent)
def handler(event: CheckApprovalEvent, runtime: Runtime) -> dict[str, Any]:
    """The promotion holds the lease, or the ledger says why it does not.

    Raises ApproverUnknown or TrailNotRead to be asked again.
    """
    signer = KmsSigner.connect(runtime.settings.signing_key_id)
    trail = KeptTrail(EventHistory.connect(), runtime.ledger, time.monotonic)
    return check(event, runtime, SageMakerRegistry.connect(), signer, trail)


def check(
    event: CheckApprovalEvent, runtime: Runtime, registry: ModelRegistry, signer: Signer, trail: AuditTrail
) -> dict[str, Any]:
    """The same answer to every retry of one execution."""
    execution = event.execution or f"{event.package_arn}@{event.at.isoformat()}"
    if found := decided(runtime.ledger, APPROVAL_CHECKED, execution):
        return Promotion.model_validate(found).to_json()
    promotion = _admission(event, execution, runtime, registry, signer, trail).decide(event.package_arn)
    summary = f"version {promotion.version}: {promotion.outcome}, {promotion.reason}"
    data = promotion.to_json() | {"source": event.source, "summary": summary}
    runtime.ledger.append(APPROVAL_CHECKED, execution, data, event.at, ACTOR)
    return promotion.to_json()


def _admission(
    event: CheckApprovalEvent,
    execution: str,
    runtime: Runtime,
    registry: ModelRegistry,
    signer: Signer,
    trail: AuditTrail,
) -> Admission:
    ballot = Ballot(
        id=execution,
        at=event.at,
        approval=runtime.spec.approval,
        ledger=runtime.ledger,
        registry=registry,
        trail=trail,
        notifier=runtime.notifier,
        metrics=runtime.metrics,
        source=event.source,
        actor=ACTOR,
    )
    return Admission(
        id=execution,
        at=event.at,
        spec=runtime.spec,
        ledger=runtime.ledger,
        objects=runtime.objects,
        registry=registry,
        signer=signer,
        ballot=ballot,
        artifact=runtime.artifact,
    )
