"""All models score the same rows: candidate and champion in processes of their own, the baselines here."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.artifact.model_files import ModelRefused, check_files
from trimtab.errors import DataError
from trimtab.evaluation import importance, scoring
from trimtab.evaluation.answers import answered_classes, as_scores
from trimtab.evaluation.baseline import BASELINES, Known
from trimtab.evaluation.holdout import Rows
from trimtab.evaluation.kinds import Kind, class_name, class_values
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.task import Scores, Task, features_of
from trimtab.evaluation.threshold import best_threshold
from trimtab.measures import BINARY, MULTICLASS, baselines_of

LATENCY_ROWS = 50


def score(task: Task) -> Scores:
    """Every model's scores of the hold-out and, for a threshold, of the newest training rows."""
    check_files(task.candidate.folder)
    candidate = scoring.start(task.candidate, task.work / "candidate.jsonl", LATENCY_ROWS, task.hidden)
    champion, refused = _start_champion(task)
    features = task.features
    sample = importance.sample(len(task.holdout), task.seed)
    names = [task.spec["data"]["id"], *features]
    shuffled = importance.shuffled_blocks(task.holdout.records(names, sample), features, task.seed)
    total = scoring.send(candidate, chain(_requests(task, names), shuffled))
    if champion and task.champion:
        scoring.send(champion, _requests(task, [task.spec["data"]["id"], *features_of(task.champion)]))
    values = class_values([task.train.column(task.train.label_column), task.holdout.column(task.holdout.label_column)])
    baselines = score_baselines(task, kind_of(task.spec, values), features)
    answers = candidate.finish(total)
    old, problem = (None, refused) if refused else _finish_champion(champion, len(task.holdout) + len(task.tail))
    values = _with_answered(task, values, answers, *([old] if old else []))
    return _scores(task, kind_of(task.spec, values), values, answers, baselines, old, problem)


def _start_champion(task: Task) -> tuple[scoring.Scoring | None, str | None]:
    """The champion's process, and why there is none where its files are not what may be loaded."""
    if task.champion is None:
        return None, None
    try:
        check_files(task.champion.folder)
    except ModelRefused as error:
        return None, str(error)
    return scoring.start(task.champion, task.work / "champion.jsonl", 0, task.hidden), None


def kind_of(spec: Mapping[str, Any], values: list[Any]) -> Kind:
    """The spec's problem; ``values`` are the label's, of use when they are classes."""
    rule = spec["evaluation"]
    classes = tuple(map(class_name, values)) if spec["problem"] == MULTICLASS else ()
    return Kind(spec["problem"], rule["primary"], classes, float(rule["threshold"]["beta"]), float(rule["quantile"]))


def score_baselines(task: Task, kind: Kind, features: list[str]) -> dict[str, Floats]:
    """Each of the spec's baselines on the hold-out and then on the tail of the training rows."""
    timed = task.spec["data"]["event_time"] is not None
    named = task.rule["baselines"] or baselines_of(kind.problem, timed=timed)
    wanted = dict.fromkeys([*named, *([task.rule["baseline"]] if task.rule["baseline"] != "best" else [])])
    columns = task.spec["data"]["columns"]
    learned = [name for name in features if columns[name]["type"] != "timestamp"]
    series = task.rule["last_value_by"]
    train = _known(task.train, learned, series)
    rows = _joined(_known(task.holdout, learned, series), _known(task.tail, learned, series))
    label = kind.codes(task.train.column(task.train.label_column))
    return {name: BASELINES[name](kind, train, label, rows) for name in wanted}


def _requests(task: Task, names: list[str]) -> Iterator[list[str]]:
    for rows in (task.holdout, task.tail):
        yield from rows.blocks([name for name in names if name in rows.table.column_names])


def _finish_champion(champion: scoring.Scoring | None, expected: int) -> tuple[scoring.Answers | None, str | None]:
    """A champion that cannot score today's rows is a finding for the gate, not a failure of the job."""
    if champion is None:
        return None, None
    try:
        return champion.finish(expected), None
    except DataError as error:
        return None, str(error)


def _with_answered(task: Task, values: list[Any], *answers: scoring.Answers) -> list[Any]:
    """The label's values, and behind them classes that only a model knows."""
    if task.spec["problem"] != MULTICLASS:
        return values
    names = list(map(class_name, values))
    answered = {name for records in answers for name in answered_classes(records)}
    return values + sorted(answered.difference(names))


def _scores(
    task: Task,
    kind: Kind,
    values: list[Any],
    answers: scoring.Answers,
    baselines: dict[str, Floats],
    old: scoring.Answers | None,
    problem: str | None,
) -> Scores:
    n, features = len(task.holdout), len(task.features)
    candidate = as_scores(answers, kind)
    seen = n + len(task.tail)
    models = {"candidate": candidate[:seen]} | {name: _padded(found, kind) for name, found in baselines.items()}
    if old is not None:
        models["champion"] = as_scores(old, kind)
    shuffled = candidate[seen:]
    return Scores(
        kind=kind,
        classes=values if kind.classes else (),
        label=kind.codes(task.holdout.column(task.holdout.label_column)),
        candidate=candidate[:n],
        baselines={name: models[name][:n] for name in baselines},
        champion=models["champion"][:n] if old is not None else None,
        champion_error=problem,
        thresholds={name: threshold_of(task, kind, found[n:]) for name, found in models.items()},
        shuffled=shuffled.reshape(features, len(shuffled) // max(1, features), *shuffled.shape[1:]),
        answers=answers,
        latencies_ms=answers.latencies_ms,
    )


def threshold_of(task: Task, kind: Kind, tail: Floats) -> float:
    """The spec's threshold, or the best one on the model's scores of the training rows' tail."""
    fixed = task.rule["threshold"]["value"]
    if fixed is not None or kind.problem != BINARY:
        return 0.5 if fixed is None else float(fixed)
    return best_threshold(task.tail.label, tail, kind.beta)


def _padded(scores: Floats, kind: Kind) -> Floats:
    """Probability 0 for the classes that only a model knows."""
    missing = len(kind.classes) - scores.shape[1] if scores.ndim == 2 else 0
    return np.pad(scores, ((0, 0), (0, missing))) if missing else scores


def _known(rows: Rows, learned: list[str], series: list[str]) -> Known:
    """What a baseline may see. Raises DataError when a column that names the series is not in the dataset."""
    lost = [name for name in series if name not in rows.table.column_names]
    if lost:
        raise DataError(f"the dataset has no column '{lost[0]}' that evaluation.last_value_by names")
    keys = list(zip(*(rows.column(name).tolist() for name in series), strict=True)) if series else []
    return Known({name: rows.column(name) for name in learned}, len(rows), keys)


def _joined(one: Known, other: Known) -> Known:
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([column, other.columns[name]]) if other.n else column
        for name, column in one.columns.items()
    }
    return Known(columns, one.n + other.n, one.keys + other.keys)
