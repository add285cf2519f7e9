"""Asks the staging endpoint what production will be asked; called by the promotion machine."""

import json
from dataclasses import asdict
from typing import Any

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.contracts import Event, Promotion, Staging
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Endpoints
from trimtab.rollout.staging import read_golden, run_checks

SHOWN = ("golden", "latency")
"""Checks that the result names even when they passed; the report holds all."""


class TestStagingEvent(Event):
    """A promotion and its staging endpoint, InService."""

    promotion: Promotion
    staging: Staging


@entrypoint(TestStagingEvent)
def handler(event: TestStagingEvent, runtime: Runtime) -> dict[str, Any]:
    """Every check was made, and the report says what each one found."""
    return try_out(event, runtime, SageMakerEndpoints.connect())


def try_out(event: TestStagingEvent, runtime: Runtime, endpoints: Endpoints) -> dict[str, Any]:
    """The verdict: passed only when every check passed. A retry asks again and writes the same report."""
    golden = read_golden(runtime.objects.read(event.promotion.golden_uri))
    checks = run_checks(
        lambda body: endpoints.invoke(event.staging.endpoint, body),
        golden,
        runtime.spec.data.features,
        runtime.spec.rollout.max_latency_ms,
    )
    report_uri = runtime.artifact("runs", event.promotion.run, "staging", f"{event.promotion.tag}.json")
    report = {"promotion": event.promotion.to_json(), "checks": [asdict(check) for check in checks]}
    runtime.objects.write(report_uri, json.dumps(report, indent=1).encode(), "application/json")
    failed = [check for check in checks if not check.passed]
    shown = [check for check in checks if not check.passed or check.name in SHOWN][:20]
    return {
        "passed": not failed,
        "reason": "; ".join(f"{check.name}: {check.message}" for check in failed[:5]),
        "checks": [asdict(check) | {"message": check.message[:200]} for check in shown],
        "checked": len(checks),
        "report_uri": report_uri,
    }
