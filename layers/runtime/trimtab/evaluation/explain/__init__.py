"""The report's section ``explain``, and the weights by which drift of a feature counts later.

The candidate is asked once more, in a process of its own, for a number of rows that is bounded whatever the data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from trimtab.evaluation import importance, scoring
from trimtab.evaluation.answers import as_scores
from trimtab.evaluation.explain import dependence
from trimtab.evaluation.explain.shapley import Walks
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.task import Scores, Task

WALKED_ROWS = 12_000
"""Most answers that Shapley values may take."""
PAIRS = 8
MOST_EXPLAINED, FEWEST_EXPLAINED = 60, 5
TOP_FEATURES = 5
CURVE_ROWS = 60
MOST_CLASSES = 5
ROUNDS = 200
Json = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What the candidate is asked."""

    explained: Sequence[Record]
    background: Sequence[Record]
    walks: Walks
    curves: Mapping[str, Sequence[Any]]
    """Grid of each feature whose dependence is drawn."""

    @property
    def curve_rows(self) -> Sequence[Record]:
        return self.background[:CURVE_ROWS]

    def requests(self) -> Iterator[list[Record]]:
        """The walks' rows, then the curves'."""
        drawn = (dependence.requests(self.curve_rows, name, values) for name, values in self.curves.items())
        return chain(self.walks.requests(self.explained, self.background), chain.from_iterable(drawn))


def explain(task: Task, scores: Scores, lost: Mapping[str, float]) -> Json:
    """Shapley values and dependence of the candidate; ``lost`` is the permutation importance, largest first."""
    plan = make_plan(task, lost)
    process = scoring.start(task.candidate, task.work / "explained.jsonl", 0, task.hidden)
    count = scoring.send(process, plan.requests())
    answers = as_scores(process.finish(count), scores.kind)
    steps = plan.walks.steps
    return {
        "rows_scored": count,
        "most_rows_scored": WALKED_ROWS,
        "importance": measure_importance(task, scores),
        "shap": shapley(plan, _explained_output(plan, answers[:steps]), task.seed),
        "dependence": list(_curves(plan, answers[steps:], scores.kind.classes)),
    }


def make_plan(task: Task, lost: Mapping[str, float]) -> Plan:
    """Rows and features to ask about, within the bound; the same for the same task."""
    sample = importance.sample(len(task.holdout), task.seed)
    names = [task.spec["data"]["id"], *task.features]
    records = task.holdout.records(names, sample)
    affordable = WALKED_ROWS // (2 * PAIRS * (len(task.features) + 1))
    count = min(max(affordable, FEWEST_EXPLAINED), MOST_EXPLAINED, len(records))
    chosen = np.random.default_rng([task.seed, 2]).permutation(len(records))
    mixed = [records[place] for place in chosen]
    columns = task.spec["data"]["columns"]
    top = [name for name in lost if columns[name]["type"] != "timestamp"][:TOP_FEATURES]
    grids = {name: dependence.grid([record[name] for record in records]) for name in top}
    walks = Walks.plan(task.features, count, PAIRS, len(mixed), task.seed)
    return Plan(mixed[:count], mixed, walks, {name: values for name, values in grids.items() if values})


def _explained_output(plan: Plan, answers: Floats) -> Floats:
    """The one number that is explained of each answer: of classes, the probability of the explained row's likeliest."""
    if answers.ndim == 1:
        return answers
    block = len(answers) // len(plan.explained)
    likeliest = answers[block - 1 :: block].argmax(axis=1)
    return np.take_along_axis(answers, np.repeat(likeliest, block)[:, None], axis=1)[:, 0]


def shapley(plan: Plan, scores: Floats, seed: int) -> Json:
    """Mean absolute contribution by feature, largest first, with its interval over the explained rows."""
    found, base = plan.walks.contributions(scores)
    whole = scores.reshape(len(plan.explained), -1)[:, -1]
    size = np.abs(found)
    draws = np.random.default_rng([seed, 3]).integers(len(found), size=(ROUNDS, len(found)))
    low, high = np.quantile(size[draws].mean(axis=1), (0.025, 0.975), axis=0)
    each = zip(plan.walks.features, size.mean(axis=0), low, high, strict=True)
    sizes = {name: {"value": float(v), "lo": float(lo), "hi": float(hi)} for name, v, lo, hi in each}
    return {
        "method": "permutation sampling of the served model, antithetic pairs",
        "rows": len(found),
        "walks": int(plan.walks.starts.shape[1]),
        "background": "hold-out",
        "base": float(base.mean()),
        "additivity_error": float(np.abs(found.sum(axis=1) - (whole - base)).max()),
        "mean_absolute": dict(sorted(sizes.items(), key=lambda item: -item[1]["value"])),
    }


def _curves(plan: Plan, answers: Floats, classes: Sequence[str]) -> Iterator[Json]:
    outputs = answers[:, None] if answers.ndim == 1 else answers[:, :MOST_CLASSES]
    names, at = classes[:MOST_CLASSES] or ("score",), 0
    for feature, values in plan.curves.items():
        count = len(values) * len(plan.curve_rows)
        part, at = outputs[at : at + count], at + count
        curves = {name: dependence.curve(part[:, place], len(values)) for place, name in enumerate(names)}
        yield {"feature": feature, "grid": list(values), "rows": len(plan.curve_rows), "curves": curves}


def measure_importance(task: Task, scores: Scores) -> Json:
    """Permutation importance with intervals over the rows of its sample; the shuffling itself is done once."""
    sample = importance.sample(len(task.holdout), task.seed)
    kind, label, mine = scores.kind, scores.label[sample], scores.candidate[sample]
    weights = np.random.default_rng([task.seed, 4]).multinomial(
        len(sample), np.full(len(sample), 1 / len(sample)), ROUNDS
    )
    whole = kind.scored(label, mine).measure(weights)[kind.primary]
    sign = 1 if kind.higher_is_better else -1
    found = {}
    for name, shuffled in zip(task.features, scores.shuffled, strict=True):
        losses = sign * (whole - kind.scored(label, shuffled).measure(weights)[kind.primary])
        low, high = np.nanquantile(losses, (0.025, 0.975)) if np.isfinite(losses).any() else (np.nan, np.nan)
        found[name] = {"lo": float(low), "hi": float(high)}
    points = importance.importance(task.features, label, mine, scores.shuffled, kind)
    features = {name: {"value": value, **found[name]} for name, value in points.items()}
    return {"metric": kind.primary, "rows": len(sample), "confidence": 0.95, "features": features}


def drift_weights(lost: Mapping[str, float]) -> dict[str, float]:
    """How much drift of each feature matters: its share of all importance above 0, equal shares when none has any."""
    useful = {name: max(value, 0.0) if np.isfinite(value) else 0.0 for name, value in lost.items()}
    total = sum(useful.values())
    return {name: value / total if total else 1 / len(useful) for name, value in useful.items()}
