"""Asks the staging endpoint what production will be asked, and worse; called by the promotion machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.staging_probe import probe
from trimtab.contracts import Event, Promotion, Staging
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import STAGING_TESTED
from trimtab.ledger.lookup import decided
from trimtab.ports import ModelRegistry
from trimtab.reports.staging_report import staging_page
from trimtab.rollout.queue import ensure_may_go_on
from trimtab.rollout.staging import Check, Demands, Probe, read_golden, run_checks

SHOWN = ("golden", "latency", "cold start", "memory")
"""Checks that the result names even when they passed; the report holds all."""


class TestStagingEvent(Event):
    """A promotion and its staging endpoint, InService."""

    promotion: Promotion
    staging: Staging


@entrypoint(TestStagingEvent)
def handler(event: TestStagingEvent, runtime: Runtime) -> dict[str, Any]:
    """Every check was made, and the report says what each one found."""
    return try_out(event, runtime, probe(event.staging.endpoint, event.at), SageMakerRegistry.connect())


def try_out(event: TestStagingEvent, runtime: Runtime, endpoint: Probe, registry: ModelRegistry) -> dict[str, Any]:
    """The verdict: passed only when every check passed. What was found once is not measured again by a retry."""
    ensure_may_go_on(runtime.ledger, registry, event.promotion)
    if found := decided(runtime.ledger, STAGING_TESTED, event.promotion.id):
        return {key: found[key] for key in ("passed", "reason", "checks", "checked", "report_uri")}
    golden = read_golden(runtime.objects.read(event.promotion.golden_uri))
    checks = run_checks(endpoint, Demands.of_spec(runtime.spec, golden))
    result = _result(checks, _write_report(event, runtime, checks))
    outcome = "passed" if result["passed"] else "failed"
    summary = f"version {event.promotion.version}: {len(checks)} checks in staging, {outcome}"
    runtime.ledger.append(STAGING_TESTED, event.promotion.id, result | {"summary": summary}, event.at, "test_staging")
    return result


def _result(checks: Sequence[Check], report_uri: str) -> dict[str, Any]:
    failed = [check for check in checks if not check.passed]
    shown = [check for check in checks if not check.passed or check.name in SHOWN][:20]
    told = "; ".join(f"{check.name}: {check.message}" for check in failed[:5])
    return {
        "passed": not failed,
        "reason": f"{told} (all in {report_uri})" if failed else "",
        "checks": [asdict(check) | {"message": check.message[:200]} for check in shown],
        "checked": len(checks),
        "report_uri": report_uri,
    }


def _write_report(event: TestStagingEvent, runtime: Runtime, checks: Sequence[Check]) -> str:
    """URI of the report for machines; the one for people lies beside it."""
    folder = runtime.artifact("runs", event.promotion.run, "staging", event.promotion.tag)
    report = {
        "promotion": event.promotion.to_json(),
        "staging": event.staging.to_json(),
        "runs_on": runtime.spec.rollout.staging,
        "at": event.at.isoformat(),
        "checks": [asdict(check) for check in checks],
    }
    page = staging_page(runtime.model, report).encode()
    runtime.objects.write(f"{folder}.html", page, "text/html; charset=utf-8")
    runtime.objects.write(f"{folder}.json", json.dumps(report, indent=1).encode(), "application/json")
    return f"{folder}.json"
