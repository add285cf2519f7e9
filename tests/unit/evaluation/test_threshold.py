"""From which score on a model says yes, and how a hold-out is cut in time."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from trimtab.evaluation.folds import time_folds
from trimtab.evaluation.threshold import TAIL_ROWS, THRESHOLD_FILE, Chosen, best_threshold, stored_choice, tail


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("decimals", [1, 12])
def test_no_other_score_has_a_better_f_beta(beta: float, decimals: int) -> None:
    random = np.random.default_rng(0)
    label = (random.random(400) < 0.3).astype(int)
    score = np.clip(random.normal(0.3 + 0.2 * label, 0.2), 0, 1).round(decimals)
    chosen = fbeta_score(label, score >= best_threshold(label, score, beta), beta=beta)
    assert chosen == pytest.approx(max(fbeta_score(label, score >= each, beta=beta) for each in np.unique(score)))


def test_more_recall_asks_for_a_lower_threshold() -> None:
    random = np.random.default_rng(0)
    label = (random.random(2_000) < 0.3).astype(int)
    score = np.clip(random.normal(0.3 + 0.2 * label, 0.2), 0, 1)
    assert best_threshold(label, score, 4.0) < best_threshold(label, score, 0.25)


@pytest.mark.parametrize(
    ("label", "score"), [([], []), ([0, 0], [0.1, 0.9]), ([0, 1], [math.nan, 0.9])], ids=["empty", "one class", "NaN"]
)
def test_where_nothing_can_be_chosen_it_is_one_half(label: list[int], score: list[float]) -> None:
    assert best_threshold(np.array(label), np.array(score), 1.0) == 0.5


def test_the_newest_training_rows_decide() -> None:
    assert tail(1_000) == slice(750, 1_000)
    assert tail(10**6) == slice(10**6 - TAIL_ROWS, 10**6)
    assert (tail(1), tail(0)) == (slice(0, 1), slice(0, 0))


def test_folds_follow_each_other_in_time_and_are_about_equal() -> None:
    times = np.datetime64("2026-01-01") + np.random.default_rng(0).permutation(1_000).astype("timedelta64[m]")
    folds = time_folds(times, 4)
    assert [len(rows) for rows in folds] == [250] * 4
    assert all(times[one].max() < times[next_one].min() for one, next_one in itertools.pairwise(folds))
    assert sorted(np.concatenate(folds).tolist()) == list(range(1_000))


def test_rows_of_one_instant_stay_together() -> None:
    times = np.datetime64("2026-01-01") + np.repeat([0, 1], [300, 700]).astype("timedelta64[D]")
    assert [len(rows) for rows in time_folds(times, 4)] == [300, 700]


def test_few_rows_have_few_folds_and_rows_without_times_none() -> None:
    times = np.datetime64("2026-01-01") + np.arange(250).astype("timedelta64[h]")
    assert len(time_folds(times, 4)) == 2
    assert time_folds(times[:150], 4) == []
    assert time_folds(None, 4) == []


def test_what_the_training_job_chose_counts(tmp_path: Path) -> None:
    assert stored_choice(tmp_path, 1.0) is None
    (tmp_path / THRESHOLD_FILE).write_text(json.dumps({"value": 0.3, "beta": 1.0, "rows": 120}))
    assert stored_choice(tmp_path, 1.0) == Chosen(0.3, 120, "training rows that a second fit did not learn from")
    assert stored_choice(tmp_path, 2.0) is None, "chosen for another F-beta"


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.5, "high", None])
def test_a_choice_that_is_no_probability_does_not_count(tmp_path: Path, value: Any) -> None:
    (tmp_path / THRESHOLD_FILE).write_text(json.dumps({"value": value, "beta": 1.0, "rows": 120}))
    assert stored_choice(tmp_path, 1.0) is None
