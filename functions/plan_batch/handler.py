"""Says which files a batch scores and with which version; called by the batch machine."""

import hashlib
from typing import Any

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.contracts import Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.names import BATCH
from trimtab.ports import Endpoints
from trimtab.rollout.requests import serving_environment
from trimtab.scoring.planning import Asked, Planning, one_at_a_time
from trimtab.scoring.request import Cause


class PlanBatchEvent(Event):
    """A file has come, it is time, or a person asks."""

    cause: Cause
    source: str = ""
    """URI, or a key of the drops bucket; empty for what is new."""
    version: int = 0
    by: str = ""
    role_arn: str
    """Role under which the job reads and writes."""


@entrypoint(PlanBatchEvent)
def handler(event: PlanBatchEvent, runtime: Runtime) -> dict[str, Any]:
    """Manifest and SageMaker model of the job exist, or there is nothing to do, or the ledger says why not."""
    return plan(event, runtime, SageMakerEndpoints.connect())


def plan(event: PlanBatchEvent, runtime: Runtime, endpoints: Endpoints) -> dict[str, Any]:
    """The same plan to every retry. Raises LedgerConflict while another batch is being planned."""
    drops = f"s3://{runtime.settings.drops_bucket}"
    where = f"{drops}/{event.source}" if event.source and "://" not in event.source else event.source
    asked = Asked(event.execution, event.cause, where, event.version, event.by)
    planning = Planning(
        asked=asked,
        at=event.at,
        names=runtime.names,
        ledger=runtime.ledger,
        objects=runtime.objects,
        folder=f"{drops}/{runtime.model}/{BATCH}",
        manifest_uri=runtime.temporary(BATCH, asked.id, "manifest.json"),
        output_uri=runtime.capture(BATCH, asked.id),
    )
    made = one_at_a_time(planning, lambda promotion: _model(promotion, event.role_arn, runtime, endpoints))
    if made.outcome == "Refused":
        runtime.notifier.send("a batch was not scored", f"Nothing was scored at {where or 'the incoming files'}.",
                              made.reason, f"Mend it, then: trimtab score {runtime.model} FILE")  # fmt: skip
    return made.to_json()


def _model(promotion: Promotion, role_arn: str, runtime: Runtime, endpoints: Endpoints) -> str:
    """Name of a SageMaker model of the version that runs under the job's role, without a network."""
    image = promotion.image_uri or runtime.settings.image_uri
    made_of = hashlib.sha256(f"{promotion.artifact_uri} {image} {role_arn}".encode()).hexdigest()
    name = runtime.names.served(promotion.version, made_of, BATCH)
    endpoints.create_model(
        name,
        image_uri=image,
        artifact_uri=promotion.artifact_uri,
        environment=serving_environment(promotion.version),
        role_arn=role_arn,
        isolated=True,
    )
    return name
