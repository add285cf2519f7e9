"""All models score the same rows: candidate and champion in processes of their own, the baselines here."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from trimtab.artifact.archive import Artifact
from trimtab.artifact.model_files import ModelRefused, check_files
from trimtab.errors import DataError
from trimtab.evaluation import importance, scoring
from trimtab.evaluation.answers import answered_classes, as_scores
from trimtab.evaluation.baseline import BASELINES, Known
from trimtab.evaluation.holdout import Rows
from trimtab.evaluation.kinds import Kind, class_name, class_values
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.task import Scores, Task, features_of
from trimtab.evaluation.threshold import LEARNED_ROWS, Chosen, best_threshold
from trimtab.measures import MULTICLASS, baselines_of

LATENCY_ROWS = 50


def score(task: Task) -> Scores:
    """Every model's scores of the hold-out and, where it brings no threshold, of the newest training rows."""
    check_files(task.candidate.folder)
    candidate = scoring.start(task.candidate, task.work / "candidate.jsonl", LATENCY_ROWS, task.hidden)
    champion, refused = _start_champion(task)
    features = task.features
    sample = importance.sample(len(task.holdout), task.seed)
    names = [task.spec["data"]["id"], *features]
    shuffled = importance.shuffled_blocks(task.holdout.records(names, sample), features, task.seed)
    total = scoring.send(candidate, chain(_requests(task, names, task.candidate), shuffled))
    expected = 0
    if champion and task.champion:
        champion_names = [task.spec["data"]["id"], *features_of(task.champion)]
        expected = scoring.send(champion, _requests(task, champion_names, task.champion))
    values = class_values([task.train.column(task.train.label_column), task.holdout.column(task.holdout.label_column)])
    baselines = score_baselines(task, kind_of(task.spec, values), features)
    answers = candidate.finish(total)
    values = _with_answered(task, values, answers)
    values, old, problem = _finish_champion(task, champion, expected, values)
    return _scores(task, values, answers, baselines, old, refused or problem)


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
    """Each of the spec's baselines on the hold-out, and then, without having seen it, on the training rows' tail."""
    timed = task.spec["data"]["event_time"] is not None
    named = task.rule["baselines"] or baselines_of(kind.problem, timed=timed)
    wanted = dict.fromkeys([*named, *([task.rule["baseline"]] if task.rule["baseline"] != "best" else [])])
    columns = task.spec["data"]["columns"]
    learned = [name for name in features if columns[name]["type"] != "timestamp"]
    seen, unseen = [(task.train, task.holdout)], [(task.head, task.tail)]
    pairs = seen + unseen if len(task.tail) and len(task.head) else seen
    known = [[_known(rows, learned, task.rule["last_value_by"]) for rows in pair] for pair in pairs]
    labels = [kind.codes(rows.column(rows.label_column)) for rows, _ in pairs]
    return {
        name: np.concatenate(
            [BASELINES[name](kind, train, label, rows) for (train, rows), label in zip(known, labels, strict=True)]
        )
        for name in wanted
    }


def _requests(task: Task, names: list[str], artifact: Artifact) -> Iterator[list[str]]:
    for rows in (task.holdout,) if task.brought(artifact) else (task.holdout, task.tail):
        yield from rows.blocks([name for name in names if name in rows.table.column_names])


def _finish_champion(
    task: Task, champion: scoring.Scoring | None, expected: int, values: list[Any]
) -> tuple[list[Any], Floats | None, str | None]:
    """The label's values with those that only the champion knows, its scores, and why there are none.

    A champion that cannot score today's rows, or answers what nobody can read, is a finding for the gate and no
    failure of the job.
    """
    if champion is None:
        return values, None, None
    try:
        answers = champion.finish(expected)
        more = _with_answered(task, values, answers)
        return more, as_scores(answers, kind_of(task.spec, more)), None
    except DataError as error:
        return values, None, str(error)


def _with_answered(task: Task, values: list[Any], answers: scoring.Answers) -> list[Any]:
    """The label's values, and behind them classes that only a model knows."""
    if task.spec["problem"] != MULTICLASS:
        return values
    names = list(map(class_name, values))
    return values + sorted(set(answered_classes(answers)).difference(names))


def _scores(
    task: Task,
    values: list[Any],
    answers: scoring.Answers,
    baselines: dict[str, Floats],
    old: Floats | None,
    problem: str | None,
) -> Scores:
    kind, n, features = kind_of(task.spec, values), len(task.holdout), len(task.features)
    answered = as_scores(answers, kind)
    seen = n if task.brought(task.candidate) else n + len(task.tail)
    models = {"candidate": answered[:seen]} | {name: _padded(found, kind) for name, found in baselines.items()}
    if old is not None:
        models["champion"] = old
    shuffled = answered[seen:]
    return Scores(
        kind=kind,
        classes=values if kind.classes else (),
        label=kind.codes(task.holdout.column(task.holdout.label_column)),
        candidate=answered[:n],
        baselines={name: models[name][:n] for name in baselines},
        champion=models["champion"][:n] if old is not None else None,
        champion_error=problem,
        chosen={name: choose(task, kind, name, found[n:]) for name, found in models.items()},
        shuffled=shuffled.reshape(features, len(shuffled) // max(1, features), *shuffled.shape[1:]),
        answers=answers,
        latencies_ms=answers.latencies_ms,
    )


def choose(task: Task, kind: Kind, name: str, tail: Floats) -> Chosen:
    """The threshold that a model brings, or the best one on its scores of the training rows' tail."""
    artifact = {"candidate": task.candidate, "champion": task.champion}.get(name)
    brought = task.brought(artifact) if artifact else task.fixed_threshold
    if brought:
        return brought
    return Chosen(best_threshold(task.tail.label[: len(tail)], tail, kind.beta), len(tail), LEARNED_ROWS)


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
