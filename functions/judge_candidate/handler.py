"""Holds a candidate's evaluation against the spec's gates; called by the training machine."""

from typing import Any

from trimtab.contracts import Dataset, Event, Judgement
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.evaluation.gates import judge_by, read_report
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.ledger.lookup import decided
from trimtab.reports.evaluation_report import evaluation_html
from trimtab.telemetry import Metric

ACTOR = "judge_candidate"


class JudgeCandidateEvent(Event):
    """A run whose evaluation job has ended."""

    run: str
    dataset: Dataset


@entrypoint(JudgeCandidateEvent)
def handler(event: JudgeCandidateEvent, runtime: Runtime) -> dict[str, Any]:
    """Every gate's outcome is in the ledger; only a candidate that passes them all goes on."""
    if found := decided(runtime.ledger, CANDIDATE_JUDGED, event.run):
        return Judgement.model_validate(found).to_json()
    uri = runtime.artifact("runs", event.run, "evaluation", "evaluation.json")
    body = runtime.objects.read(uri)
    judgement = publish(runtime, body, judge_by(runtime.spec, body, uri))
    if not judgement.passed:
        runtime.metrics.put(Metric.CANDIDATES_REFUSED, 1)
    last_run = {
        "run": event.run,
        "outcome": judgement.outcome,
        "dataset": event.dataset.dataset,
        "code_uri": runtime.settings.code_uri,
    }
    data = judgement.to_json() | {"dataset": event.dataset.dataset, "summary": summary(judgement)}
    runtime.ledger.append(CANDIDATE_JUDGED, event.run, data, event.at, ACTOR, state={"last_run": last_run})
    return judgement.to_json()


def publish(runtime: Runtime, body: bytes, judgement: Judgement) -> Judgement:
    """The report for people lies beside evaluation.json."""
    uri = judgement.evaluation_uri.removesuffix(".json") + ".html"
    page = evaluation_html(runtime.model, runtime.spec.evaluation.primary, read_report(body), judgement)
    runtime.objects.write(uri, page, "text/html; charset=utf-8")
    return judgement.model_copy(update={"report_uri": uri})


def summary(judgement: Judgement) -> str:
    """The outcome, and what stood against it."""
    against = "; ".join(gate.message for gate in judgement.gates if gate.outcome != "pass")
    return f"{judgement.outcome}: {against or f'all {len(judgement.gates)} gates passed'}"[:500]
