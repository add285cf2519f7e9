"""The policy by which a candidate may be offered for approval, or not. Needs only Python itself.

Each gate ends in one of three ways: pass, refuse, or not_judged when there is too little evidence. Only a candidate
that passes them all is registered. A number that is missing or not finite never passes: comparisons with NaN are
false both ways, so every gate first asks for a number. Which gates ask for evidence (an interval's end) and which for
an effect (the estimate) is said in each module, and why in decision record 16.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator

from trimtab.contracts import Gate, Judgement
from trimtab.evaluation.gates.bias import bias_gates
from trimtab.evaluation.gates.comparison import baseline_gate, champion_gate
from trimtab.evaluation.gates.measured import evidence_gate, finite_gate, threshold_gates
from trimtab.evaluation.gates.reading import Outcome, Report, read_report
from trimtab.evaluation.gates.serving import serving_gates
from trimtab.evaluation.gates.slices import slice_gates
from trimtab.spec import EvaluationSpec, RolloutSpec, Spec

__all__ = ["judge", "judge_by", "overall", "policy_sha256", "read_report"]


def judge(
    report: Report,
    rules: EvaluationSpec,
    evaluation_uri: str,
    protected: tuple[str, ...] = (),
    rollout: RolloutSpec | None = None,
) -> Judgement:
    """Every gate's outcome, and the outcome of all; ``protected`` are the attributes that the bias gate must see."""
    gates = tuple(_gates(report, rules, protected, rollout or RolloutSpec()))
    outcome = overall(gate.outcome for gate in gates)
    return Judgement(
        passed=outcome == "pass",
        outcome=outcome,
        gates=gates,
        evaluation_uri=evaluation_uri,
        policy=rules.gates.version,
        policy_sha256=policy_sha256(rules),
        artifact_sha256=str(report.get("artifact_sha256") or ""),
    )


def judge_by(spec: Spec, body: bytes, evaluation_uri: str) -> Judgement:
    """The judgement of evaluation.json's bytes by all of a model's spec. Raises DataError for what is no report."""
    judgement = judge(read_report(body), spec.evaluation, evaluation_uri, spec.protected, spec.rollout)
    return judgement.model_copy(update={"evaluation_sha256": hashlib.sha256(body).hexdigest()})


def policy_sha256(rules: EvaluationSpec) -> str:
    """Hex digest of the whole policy, every default filled in: the same for the same rules."""
    body = json.dumps(rules.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """refuse when any gate refuses, else not_judged when any was not judged, else pass."""
    found = set(outcomes)
    if "refuse" in found:
        return "refuse"
    return "pass" if found == {"pass"} else "not_judged"


def _gates(report: Report, rules: EvaluationSpec, protected: tuple[str, ...], rollout: RolloutSpec) -> Iterator[Gate]:
    yield evidence_gate(report, rules)
    yield finite_gate(report)
    yield from threshold_gates(report, rules)
    yield baseline_gate(report, rules)
    yield champion_gate(report, rules)
    yield from slice_gates(report, rules)
    yield from bias_gates(report, rules.gates.bias, protected)
    yield from serving_gates(report, rules, rollout)
