"""Gates on what it takes to serve a candidate: calibrated answers, parity, time, size, money. Effects, not evidence.

Calibration is the exception: it refuses only when the whole interval lies beyond the limit, because the estimate of
the error is biased upwards, and is not judged when only the estimate does.
"""

import math
from collections.abc import Iterator

from trimtab.contracts import Gate
from trimtab.evaluation.gates.reading import Outcome, Report, at, estimate, number
from trimtab.spec import EvaluationSpec, RolloutSpec
from trimtab.spec.gates import CostRule
from trimtab.spec.prices import AS_OF, price_per_hour

HOURS_A_MONTH = 730


def serving_gates(report: Report, rules: EvaluationSpec, rollout: RolloutSpec) -> Iterator[Gate]:
    """All of them that have a limit."""
    yield from calibration_gates(report, rules)
    yield from pickle_gates(report, rules)
    yield parity_gate(report, rules)
    yield from edge_gates(report, rules)
    yield from latency_gates(report, rules)
    yield size_gate(report, rules)
    yield from cost_gates(report, rules.gates.cost, rollout)


def calibration_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """Predictions mean what they say, to within the limit."""
    limit, n = rules.gates.calibration.max_error, report.get("n")
    if limit is None:
        return
    found = estimate(at(report, "calibration", "error"))
    if found is None:
        message = "the calibration error was not measured: too few rows, or scores that are no numbers"
        yield Gate(name="calibration", outcome="not_judged", limit=limit, n=n, message=message)
        return
    outcome: Outcome = "refuse" if found.lo > limit else "pass" if found.value <= limit else "not_judged"
    ends = f"[{found.lo:.4f}, {found.hi:.4f}]"
    message = f"expected calibration error {found.value:.4f} {ends}, at most {limit:g}"
    yield Gate(
        name="calibration", outcome=outcome, value=found.value, interval=found.ends, limit=limit, n=n, message=message
    )


def pickle_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """No file of the artifact runs code when it is read, unless the policy takes that on."""
    found = at(report, "serving", "pickles") or []
    if found:
        named = ", ".join(map(str, found[:5]))
        accepted = rules.gates.pickles == "accept"
        said = "the policy accepts them" if accepted else "store the model as ONNX or skops"
        message = f"{len(found)} files run code when they are read ({named}): {said}"[:500]
        yield Gate(name="pickles", outcome="pass" if accepted else "refuse", value=len(found), limit=0, message=message)


def parity_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """What is served answers the hold-out as the trained model did.

    An author's own inference.py answers by the author's rules: where that differs, or cannot be compared, the policy
    must give a reason, or nothing is judged.
    """
    found = compared_gate(report)
    if found.outcome == "pass" or at(report, "serving", "own_inference") is not True:
        return found
    reason = rules.gates.own_inference or ""
    said = "" if reason else "; say under evaluation.gates.own_inference why that may be"
    message = f"an inference.py of its author answers, and {found.message}{said}"
    return found.model_copy(
        update={"outcome": "pass" if reason else "not_judged", "message": message, "accepted_risk": reason}
    )


def compared_gate(report: Report) -> Gate:
    """Whether the answers are equal, whoever gives them."""
    found = at(report, "serving", "parity")
    largest, tolerance = number(at(found, "max_difference")), number(at(found, "tolerance"))
    rows = int(number(at(found, "rows")) or 0)
    if largest is None or tolerance is None or not rows:
        message = "the served model was not compared with the trained one"
        return Gate(name="parity", outcome="refuse", limit=tolerance, n=rows, message=message)
    outcome: Outcome = "pass" if largest <= tolerance else "refuse"
    message = f"served and trained model differ by at most {largest:.3g} on {rows:,} rows, {tolerance:g} is allowed"
    return Gate(name="parity", outcome=outcome, value=largest, limit=tolerance, n=rows, message=message)


def edge_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """The form for devices is as good as the full model, by evidence; asked of models that have one."""
    found = report.get("edge")
    if found is None or at(found, "precision") == "full":
        return
    value, limit = estimate(at(found, "loss")), number(at(found, "max_loss"))
    n = int(number(at(found, "rows")) or 0) or None
    if value is None or limit is None:
        message = "the form for devices was not measured on the hold-out"
        yield Gate(name="edge", outcome="refuse", limit=limit, n=n, message=message)
        return
    outcome: Outcome = "pass" if value.hi <= limit else "refuse" if value.lo > limit else "not_judged"
    ends = f"[{value.lo:+.4%}, {value.hi:+.4%}]"
    message = (
        f"in eight bits {rules.primary} loses {value.value:+.4%} {ends} of its value, at most {limit:g} is allowed"
    )
    yield Gate(name="edge", outcome=outcome, value=value.value, interval=value.ends, limit=limit, n=n, message=message)


def latency_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """Single rows are answered in time."""
    limit = rules.gates.max_latency_ms
    if limit is None:
        return
    value, n = number(report.get("latency_ms_p99")), int(number(report.get("latency_rows")) or 0) or None
    if value is None:
        yield Gate(name="latency", outcome="refuse", limit=limit, n=n, message="the latency was not measured")
        return
    message = f"single rows take {value:.1f} ms at the 99th percentile, at most {limit:g} ms are allowed"
    outcome: Outcome = "pass" if value <= limit else "refuse"
    yield Gate(name="latency", outcome=outcome, value=value, limit=limit, n=n, message=message)


def size_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """The archive is not larger than the spec allows."""
    size = number(report.get("size_bytes"))
    if size is None:
        return Gate(name="size", outcome="refuse", limit=rules.max_size_mb, message="the size was not measured")
    megabytes = size / 1e6
    outcome: Outcome = "pass" if megabytes <= rules.max_size_mb else "refuse"
    message = f"model.tar.gz has {megabytes:.2f} MB, at most {rules.max_size_mb:g} MB are allowed"
    return Gate(name="size", outcome=outcome, value=megabytes, limit=rules.max_size_mb, message=message)


def cost_gates(report: Report, rule: CostRule, rollout: RolloutSpec) -> Iterator[Gate]:
    """1,000 predictions are not dearer than the spec allows."""
    limit = rule.max_per_1000_usd
    if limit is None:
        return
    price = rule.price_per_hour_usd or price_per_hour(rollout.instance_type)
    latency = number(report.get("latency_ms_p50"))
    if price is None or latency is None:
        lack = (
            "the latency was not measured" if price else f"the table of {AS_OF} has no price of {rollout.instance_type}"
        )
        advice = "" if price else "; give evaluation.gates.cost.price_per_hour_usd"
        yield Gate(name="cost", outcome="not_judged", limit=limit, message=lack + advice)
        return
    value = cost_per_1000(price, latency, rule.monthly_predictions, rollout.instance_count)
    load = f"{rule.monthly_predictions:,} a month" if rule.monthly_predictions else "instances that never idle"
    source = "your price" if rule.price_per_hour_usd else f"list price of {AS_OF}"
    message = f"1,000 predictions cost {value:.4f} USD ({load}, {source}), at most {limit:g} USD are allowed"
    outcome: Outcome = "pass" if value <= limit else "refuse"
    yield Gate(name="cost", outcome=outcome, value=value, limit=limit, message=message)


def cost_per_1000(price_usd: float, latency_ms: float, monthly: int | None, instances: int) -> float:
    """USD for 1,000 single-row predictions on instances that answer one request at a time.

    With a load, as many instances run all month as it takes, and never fewer than ``instances``.
    """
    an_hour = 3_600_000 / max(latency_ms, 1e-6)
    if monthly is None:
        return price_usd / an_hour * 1000
    needed = max(instances, math.ceil(monthly / (an_hour * HOURS_A_MONTH)))
    return needed * price_usd * HOURS_A_MONTH / monthly * 1000
