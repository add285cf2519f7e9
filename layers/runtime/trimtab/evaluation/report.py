"""evaluation.json: what was measured of a candidate, schema 2. What could not be measured is null."""

import math
from typing import Any

import numpy as np

from trimtab.evaluation import bootstrap, draws, importance, paired_tests
from trimtab.evaluation.audit import audit
from trimtab.evaluation.bootstrap import Resampled
from trimtab.evaluation.cells import Cut, cross, cut
from trimtab.evaluation.draws import Draws
from trimtab.evaluation.folds import time_folds
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.multiclass import per_class
from trimtab.evaluation.parts import Measured
from trimtab.evaluation.serving import measure_serving
from trimtab.evaluation.slices import Part, declared_parts, found_parts
from trimtab.evaluation.task import Json, Scores, Task
from trimtab.measures import BINARY, MULTICLASS, REGRESSION

SCHEMA = 2


def build_report(task: Task, scores: Scores) -> Json:
    """The report as JSON values, NaN where a number is undefined."""
    kind = scores.kind
    drawn = choose_draws(task, scores)
    whole = task.comparable.all()
    alone = compare(
        task, scores, scores.models if whole else {"candidate": scores.candidate, **scores.baselines}, drawn
    )
    chosen = choose_baseline(task, scores, alone)
    others: dict[str, tuple[Resampled, str, Any]] = {"baseline": (alone, chosen, slice(None))}
    if scores.champion is not None:
        rows = np.flatnonzero(task.comparable)
        pair = {"candidate": scores.candidate, "champion": scores.champion}
        found = alone if whole else compare(task, scores, pair, drawn, rows)
        others["champion"] = (found, "champion", rows)
    report = _header(task, scores) | {
        "metrics": {"candidate": alone.points["candidate"], "champion": None}
        | {name: found.points[model] for name, (found, model, _) in others.items()},
        "intervals": {"candidate": _intervals(alone, "candidate"), "champion": None}
        | {name: _intervals(found, model) for name, (found, model, _) in others.items()},
        "paired": {"champion": None} | {name: _paired(found, model) for name, (found, model, _) in others.items()},
        "tests": {"champion": None}
        | {name: paired(task, scores, model, rows) for name, (_, model, rows) in others.items()},
        "baselines": {name: alone.points[name] for name in scores.baselines},
        "baseline": {"name": chosen, "chosen": "best" if task.rule["baseline"] == "best" else "named"},
        "bootstrap": _bootstrap(task, drawn, alone),
        "champion": _champion(task, scores),
        "importance": measure_importance(task, scores),
        "serving": measure_serving(task, scores),
    }
    if kind.problem == MULTICLASS:
        report["metrics"]["candidate"] |= {"per_class": per_class(scores.label, scores.candidate, kind.classes)}
    report |= measure_parts(task, scores, drawn, chosen)
    threshold = scores.thresholds["candidate"]
    return report | audit(task.spec, task.holdout, scores.candidate, threshold, list(scores.classes) or None)


def choose_draws(task: Task, scores: Scores) -> Draws:
    """How the hold-out's rows are drawn for every interval of the report."""
    losses, rule = scores.kind.row_losses(scores.label, scores.candidate), task.rule
    group = scores.kind.strata(scores.label)
    return draws.choose(group, task.holdout.times, losses, rule["bootstrap"], rule["block_unit"])


def compare(task: Task, scores: Scores, models: dict[str, Floats], drawn: Draws, rows: Any = slice(None)) -> Resampled:
    """The models on the same rows and the same draws of them."""
    label = scores.label[rows]
    ready = {name: scores.kind.scored(label, found[rows], scores.thresholds[name]) for name, found in models.items()}
    return bootstrap.resample(
        ready,
        drawn if isinstance(rows, slice) else drawn.of_rows(rows),
        rounds=int(task.rule["bootstrap_rounds"]),
        confidence=_confidence(task),
        seed=task.seed,
        n=len(label),
    )


def choose_baseline(task: Task, scores: Scores, found: Resampled) -> str:
    """The baseline that the spec names, or the best of them on the hold-out: that makes the gate harder, not easier."""
    if task.rule["baseline"] != "best":
        return str(task.rule["baseline"])
    sign = 1 if scores.kind.higher_is_better else -1
    values = {name: sign * found.points[name][scores.kind.primary] for name in scores.baselines}
    return max(values, key=lambda name: values[name] if math.isfinite(values[name]) else -math.inf)


def paired(task: Task, scores: Scores, other: str, rows: Any) -> Json:
    """The tests of the candidate against another model that the kind of problem has."""
    kind, label = scores.kind, scores.label[rows]
    mine, others = scores.candidate[rows], scores.models[other][rows]
    if not len(label) or not (kind.usable(mine) and kind.usable(others)):
        return {}
    if kind.problem == REGRESSION:
        order = slice(None) if task.holdout.times is None else np.argsort(task.holdout.times[rows], kind="stable")
        losses = [kind.row_losses(label, found)[order] for found in (mine, others)]
        lags = 0 if task.holdout.times is None else None
        return {"diebold_mariano": paired_tests.diebold_mariano(*losses, lags=lags, confidence=_confidence(task))}
    right = [
        kind.decisions(found, scores.thresholds[name]) == label
        for name, found in (("candidate", mine), (other, others))
    ]
    found: Json = {"mcnemar": paired_tests.mcnemar(*right)}
    if kind.problem == BINARY:
        found["delong"] = paired_tests.delong(label, mine, others, _confidence(task))
    return found


def measure_parts(task: Task, scores: Scores, drawn: Draws, baseline: str) -> Json:
    """``slices`` (declared, then found) and ``folds``."""
    models = {"candidate": scores.candidate} | ({} if scores.champion is None else {"champion": scores.champion})
    thresholds = {name: scores.thresholds[name] for name in models}
    comparable, confidence = task.comparable, _confidence(task)
    measured = Measured(scores.kind, scores.label, models, thresholds, comparable, drawn, confidence, task.seed)
    return {
        "slices": [_slice(measured, part) for part in find_parts(task, scores, drawn, baseline)],
        "folds": [_fold(task, measured, rows) for rows in time_folds(task.holdout.times, int(task.rule["folds"]))],
    }


def find_parts(task: Task, scores: Scores, drawn: Draws, baseline: str) -> list[Part]:
    """Declared parts and the worst found ones, by what the candidate loses more than its reference."""
    compared = scores.champion is not None and scores.kind.usable(scores.champion) and task.comparable.all()
    reference = scores.champion if compared and scores.champion is not None else scores.baselines[baseline]
    mine, other = (scores.kind.row_losses(scores.label, found) for found in (scores.candidate, reference))
    table, columns = task.holdout.table, task.spec["data"]["columns"]
    declared = [_declared(task, names) for names in task.rule["slices"]]
    searched = [name for name in task.features if name in table.column_names and columns[name]["type"] != "timestamp"]
    cuts = [cut(name, table.column(name)) for name in searched] if task.rule["found_slices"] else []
    parts = declared_parts(declared, mine - other, task.seed, drawn.block_of)
    known = [part.name for part in parts]
    return parts + found_parts(cuts, mine - other, int(task.rule["found_slices"]), task.seed, known, drawn.block_of)


def _declared(task: Task, names: str) -> Cut:
    parts = [cut(name.strip(), task.holdout.table.column(name.strip())) for name in names.split("*")]
    return parts[0] if len(parts) == 1 else cross(*parts)


def _slice(measured: Measured, part: Part) -> Json:
    champion, difference = measured.against_champion(part.rows)
    mine = measured.estimate(part.rows)
    return {
        "name": part.name,
        "columns": list(part.columns),
        "declared": part.declared,
        **measured.whole(part.rows, mine),
        "rest": measured.against_rest(part.rows, mine),
        "champion": champion,
        "difference": difference,
        "p_adjusted": part.p_adjusted,
    }


def _fold(task: Task, measured: Measured, rows: Any) -> Json:
    period = task.holdout.period_of(rows)
    return {"from": period["start"], "to": period["end"], **measured.whole(rows, measured.estimate(rows))}


def _header(task: Task, scores: Scores) -> Json:
    p50, p99 = np.percentile(scores.latencies_ms, (50, 99)) if len(scores.latencies_ms) else (math.nan, math.nan)
    kind, label = scores.kind, scores.label
    names = {BINARY: ("0", "1"), MULTICLASS: kind.classes}.get(kind.problem, ())
    counted = np.bincount(label.astype(np.intp), minlength=len(names)) if names else ()
    return {
        "schema": SCHEMA,
        "run": task.run,
        "problem": kind.problem,
        "classes": list(kind.classes) or None,
        "n": len(label),
        "class_counts": {name: int(count) for name, count in zip(names, counted, strict=True)} or None,
        "positives": int(label.sum()) if kind.problem == BINARY else None,
        "period": task.holdout.period,
        "size_bytes": task.candidate.size_bytes,
        "latency_ms_p50": float(p50),
        "latency_ms_p99": float(p99),
        "latency_rows": len(scores.latencies_ms),
        "artifact_sha256": task.candidate.sha256,
        "seed": task.seed,
        "threshold": _threshold(scores) if kind.problem == BINARY else None,
    }


def _threshold(scores: Scores) -> Json:
    chosen = scores.chosen["candidate"]
    return {
        "value": chosen.value,
        "beta": scores.kind.beta,
        "rule": "best f_beta" if chosen.chosen_on else "fixed",
        "chosen_on": chosen.chosen_on,
        "rows": chosen.rows,
    }


def _bootstrap(task: Task, drawn: Draws, measured: Resampled) -> Json:
    return {
        "groups": measured.groups,
        "rounds": int(task.rule["bootstrap_rounds"]),
        "confidence": _confidence(task),
        "method": drawn.method,
        "blocks": drawn.blocks,
    }


def _champion(task: Task, scores: Scores) -> Json:
    rows = int(task.comparable.sum()) if scores.champion is not None else 0
    found = {"rows": rows, "error": scores.champion_error, "present": task.champion is not None}
    return found | {"change": measure_change(task, scores)}


def measure_change(task: Task, scores: Scores) -> float | None:
    """How far the candidate's predictions lie from the champion's on the rows that both can be asked about.

    The share of rows that are decided otherwise, between 0 and 1; of numbers, the mean absolute difference in standard
    deviations of the label. None without such rows, and for a label that does not vary.
    """
    rows, kind = np.flatnonzero(task.comparable), scores.kind
    if scores.champion is None or not len(rows) or not kind.usable(scores.champion):
        return None
    new, old = scores.candidate[rows], scores.champion[rows]
    if kind.problem != REGRESSION:
        decided = [kind.decisions(s, scores.thresholds[n]) for s, n in ((new, "candidate"), (old, "champion"))]
        return float(np.mean(decided[0] != decided[1]))
    spread = float(np.std(scores.label))
    return float(np.mean(np.abs(new - old))) / spread if spread > 0 else None


def _intervals(measured: Resampled, model: str) -> dict[str, list[float]]:
    estimates = {metric: measured.interval(model, metric) for metric in measured.points[model]}
    return {metric: [estimate.lo, estimate.hi] for metric, estimate in estimates.items()}


def _paired(measured: Resampled, other: str) -> dict[str, dict[str, float]]:
    estimates = {metric: measured.difference("candidate", other, metric) for metric in measured.points[other]}
    return {metric: {"difference": e.value, "lo": e.lo, "hi": e.hi} for metric, e in estimates.items()}


def _confidence(task: Task) -> float:
    return float(task.rule["champion"]["confidence"])


def measure_importance(task: Task, scores: Scores) -> dict[str, float]:
    """What the primary metric loses by feature on the importance sample."""
    sample = importance.sample(len(task.holdout), task.seed)
    label, mine = scores.label[sample], scores.candidate[sample]
    return importance.importance(task.features, label, mine, scores.shuffled, scores.kind)
