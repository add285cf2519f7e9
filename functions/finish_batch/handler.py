"""Writes down what a batch came to; called by the batch machine when its job has ended well."""

from typing import Any

from trimtab.contracts import BatchPlan, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import BATCH_SCORED
from trimtab.ledger.lookup import decided
from trimtab.names import VARIANT
from trimtab.scoring.finishing import as_captured, capture_place, tally
from trimtab.spec.batch import BatchSpec


class FinishBatchEvent(Event):
    """A batch whose job is Completed."""

    plan: BatchPlan
    job_arn: str


@entrypoint(FinishBatchEvent)
def handler(event: FinishBatchEvent, runtime: Runtime) -> dict[str, Any]:
    """The ledger says what was scored, with what and where; an even sample lies among the captured requests."""
    if found := decided(runtime.ledger, BATCH_SCORED, event.plan.id):
        return dict(found)
    plan, asked = event.plan, runtime.spec.batch or BatchSpec()
    counted = tally(runtime.objects, plan.output_uri, asked.monitored_rows, plan.id)
    captured_uri = ""
    if counted.sample:
        place = capture_place(plan.id, event.at)
        captured_uri = runtime.capture("capture", runtime.names.endpoint, VARIANT, place)
        runtime.objects.write(captured_uri, as_captured(counted.sample, plan.id, event.at), "application/jsonlines")
    data = plan.to_json() | {
        "job_arn": event.job_arn,
        "files": counted.files,
        "rows": counted.rows,
        "monitored_rows": len(counted.sample),
        "captured_uri": captured_uri,
        "summary": f"version {plan.version} scored {counted.rows} rows of {plan.objects} files: {plan.output_uri}/",
    }
    runtime.ledger.append(BATCH_SCORED, plan.id, data, event.at, "finish_batch")
    return data
