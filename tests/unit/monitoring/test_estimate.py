"""Performance without truth: right while scores mean what they meant, blind to what only truth can tell."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.monitoring.labelled import records, spec, without_truth
from trimtab.data.profile import NumberProfile, Profile
from trimtab.evaluation.calibration import calibrate_binary, calibrate_numbers
from trimtab.monitoring.drift.measure import _prediction
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.estimate import PerformanceEstimate, estimate, held_against, track_record
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.records import LABEL, ROW, SCORE, SCORES
from trimtab.monitoring.reference import Reference
from trimtab.spec import Spec


def column(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def evaluated(table: pa.Table, model: Spec) -> tuple[Reference, Profile]:
    """What an evaluation on ``table`` would have written."""
    found = measure_window("w", table, 1, Reference(), model)
    assert found.interval is not None
    label, score = column(table, LABEL), column(table, SCORE)
    calibrate = calibrate_binary if model.problem == "binary" else calibrate_numbers
    metric = model.monitoring.quality.metric
    known = Reference(
        {metric: found.interval.value},
        {metric: [found.interval.lo, found.interval.hi]},
        calibration=calibrate(label, score, 0.95),
    )
    return known, Profile(len(score), {"score": NumberProfile.of(pa.array(score))})


def scores_between(table: pa.Table, low: float, high: float) -> pa.Table:
    score = column(table, SCORE)
    return table.filter(pa.array((score >= low) & (score <= high)))


def overconfident(table: pa.Table) -> pa.Table:
    score = column(table, SCORE)
    odds = 2 * np.log(score / (1 - score))
    return table.set_column(table.column_names.index(SCORE), SCORE, pa.array(1 / (1 + np.exp(-odds))))


def realised(table: pa.Table, model: Spec) -> float:
    value = measure_window("w", table, 1, Reference(), model).metrics[model.monitoring.quality.metric]
    assert value is not None
    return value


def test_scores_that_lie_closer_together_are_foretold_to_rank_worse_and_do() -> None:
    then, scores = evaluated(records(6000, seed=1), spec())
    now = scores_between(records(9000, seed=2), 0.25, 0.55)
    found = estimate(now, then, scores, spec())
    assert found.value is not None
    assert found.shortfall is not None
    assert found.value.value == pytest.approx(realised(now, spec()), abs=0.03)
    assert found.shortfall.reading == found.shortfall.drop > 0.05


def test_the_interval_holds_what_comes_as_often_as_it_claims() -> None:
    then, scores = evaluated(records(6000, seed=1), spec())
    within = 0
    for seed in range(20):
        now = scores_between(records(1500, seed=100 + seed), 0.1 + seed / 100, 0.9)
        later = held_against(estimate(now, then, scores, spec()).to_json(), realised(now, spec()))
        assert later is not None
        within += later["within"]
    assert 16 <= within <= 20  # 95 % promised


def test_overconfident_scores_are_corrected_by_what_the_evaluation_saw() -> None:
    """Log odds twice as far out as they should be: taken as they are, they would promise too much."""
    model = spec(quality={"metric": "log_loss", "max_drop": 0.05})
    then, scores = evaluated(overconfident(records(6000, seed=1)), model)
    now = overconfident(records(6000, seed=2))
    found = estimate(now, then, scores, model)
    assert found.value is not None
    assert found.value.value == pytest.approx(realised(now, model), abs=0.03)


def test_the_line_of_calibration_corrects_without_the_scores_of_the_evaluation() -> None:
    model = spec(quality={"metric": "log_loss", "max_drop": 0.05})
    then, _ = evaluated(overconfident(records(6000, seed=1)), model)
    now = overconfident(records(6000, seed=2))
    found = estimate(now, then, None, model)
    assert found.value is not None
    assert found.value.value == pytest.approx(realised(now, model), abs=0.03)


def test_what_the_same_estimate_misses_at_evaluation_is_taken_off() -> None:
    then, scores = evaluated(records(6000, seed=1), spec())
    worse = replace(then, metrics={"auc": then.metrics["auc"] - 0.1})
    one, other = (estimate(records(2000, seed=2), known, scores, spec()) for known in (then, worse))
    assert one.value is not None
    assert other.value is not None
    assert other.value.value == pytest.approx(one.value.value - 0.1)
    assert one.shortfall is not None
    assert other.shortfall is not None
    assert other.shortfall.drop == pytest.approx(one.shortfall.drop)


def test_a_changed_world_is_not_seen_in_the_scores_and_shows_when_truth_comes() -> None:
    """The same rows have other outcomes: what no estimate can tell, and the record of estimates does."""
    then, scores = evaluated(records(6000, seed=1), spec())
    changed = records(6000, seed=2, skill=0.3)
    found = estimate(changed, then, scores, spec())
    assert found.shortfall is not None
    assert found.shortfall.reading is not None
    assert found.shortfall.reading < 0.02
    later = held_against(found.to_json(), realised(changed, spec()))
    assert later is not None
    assert not later["within"]
    assert later["missed_by"] < -0.1
    assert track_record([later, {**later, "within": True, "missed_by": 0.0}]) == {
        "windows": 2,
        "within": 1,
        "mean_missed_by": pytest.approx(later["missed_by"] / 2),
    }


def test_the_truth_of_the_window_itself_is_not_looked_at() -> None:
    then, scores = evaluated(records(3000, seed=1), spec())
    table = records(3000, seed=2)
    unknown = without_truth(table, np.ones(3000, dtype=bool)).drop_columns([LABEL])
    assert estimate(unknown, then, scores, spec()) == estimate(table, then, scores, spec())


def test_an_unchanged_model_seldom_foretells_a_fall() -> None:
    told = 0
    for seed in range(10):
        then, scores = evaluated(records(1500, seed=300 + seed), spec())
        found = estimate(records(1000, seed=400 + seed), then, scores, spec())
        assert found.shortfall is not None
        assert found.shortfall.reading is not None
        told += found.shortfall.reading > 0
    assert told <= 2


def not_estimated(found: PerformanceEstimate) -> str:
    assert found.value is None
    assert found.to_json()["estimate_reading"] is None
    return found.reason


def test_what_cannot_be_estimated_says_why() -> None:
    then, scores = evaluated(records(2000, seed=1), spec())
    assert "50 rows, fewer than 100" in not_estimated(estimate(records(50), then, scores, spec()))
    assert "calibrated" in not_estimated(estimate(records(500), Reference(), None, spec()))
    broken = with_scores(records(500), np.full(500, 1.5))
    assert "cannot be measured" in not_estimated(estimate(broken, then, scores, spec()))


def with_scores(table: pa.Table, scores: np.ndarray) -> pa.Table:
    return table.set_column(table.column_names.index(SCORE), SCORE, pa.array(scores))


def test_one_answer_that_is_no_number_does_not_keep_the_others_from_being_measured() -> None:
    then, scores = evaluated(records(3000, seed=1), spec())
    table = records(3000, seed=2)
    answers = column(table, SCORE)
    for lost in (np.nan, np.inf, -0.5):
        some = with_scores(table, np.where(np.arange(3000) == 7, lost, answers))
        assert estimate(some, then, scores, spec()).value is not None
        found = measure_window("w", some, 1, then, spec())
        assert (found.judged, found.unusable) == (True, 1)
        assert found.metrics["auc"] == pytest.approx(realised(table, spec()), abs=0.001)


def test_of_many_answers_that_are_no_numbers_nothing_is_judged_and_the_scores_have_moved() -> None:
    then, scores = evaluated(records(3000, seed=1), spec())
    table = records(3000, seed=2)
    broken = with_scores(table, np.where(np.arange(3000) % 16 == 0, 1.5, column(table, SCORE)))
    said = "188 of 3000 answers cannot be measured (6.3%), more than 5%"
    assert not_estimated(estimate(broken, then, scores, spec())) == said
    found = measure_window("w", broken, 1, then, spec())
    assert (found.judged, found.reading, found.reason) == (False, None, said)
    moved = _prediction(
        Observed.of(broken.append_column(ROW, pa.array(np.zeros(3000))), 1, spec()).scores, scores, 0.25
    )
    assert moved is not None
    assert moved.moved
    allowed = spec(quality={"max_unusable": 0.1})
    assert measure_window("w", broken, 1, then, allowed).judged


def test_labels_of_one_class_are_not_judged_by_what_they_cannot_tell() -> None:
    table = records(500)
    ones = table.set_column(table.column_names.index(LABEL), LABEL, pa.array(np.ones(500, "int64")))
    found = measure_window("w", ones, 1, Reference({"auc": 0.8}), spec())
    assert (found.judged, found.reading) == (False, None)
    assert found.reason == "auc is undefined: all labels are the same"
    assert measure_window("w", ones, 1, Reference(), spec(quality={"metric": "log_loss"})).judged


def hours(rows: int, seed: int, *, rush: float) -> pa.Table:
    """Numbers whose errors grow with the prediction; ``rush`` is the share of large ones."""
    random = np.random.default_rng(seed)
    prediction = np.where(random.random(rows) < rush, random.uniform(3000, 5000, rows), random.uniform(100, 800, rows))
    table = records(rows, seed)
    label = pa.array(prediction + random.normal(0, prediction / 10))
    table = table.set_column(table.column_names.index(SCORE), SCORE, pa.array(prediction))
    return table.set_column(table.column_names.index(LABEL), LABEL, label)


def numbers(metric: str) -> Spec:
    plain = spec(quality={"metric": metric, "max_drop": 20})
    evaluation = plain.evaluation.model_copy(update={"primary": "rmse", "slices": ()})
    return plain.model_copy(update={"problem": "regression", "evaluation": evaluation})


def test_more_of_the_predictions_that_were_always_further_off_foretell_a_larger_error() -> None:
    model = numbers("rmse")
    then, scores = evaluated(hours(4000, 1, rush=0.3), model)
    now = hours(4000, 2, rush=0.8)
    found = estimate(now, then, scores, model)
    assert found.value is not None
    assert found.shortfall is not None
    assert found.value.value == pytest.approx(realised(now, model), rel=0.06)
    assert found.shortfall.reading == found.shortfall.drop > 100
    quality = model.monitoring.quality.model_copy(update={"drop_in": "share"})
    share = model.model_copy(update={"monitoring": model.monitoring.model_copy(update={"quality": quality})})
    shares = estimate(now, then, scores, share).shortfall
    assert shares is not None
    assert shares.drop == pytest.approx(found.shortfall.drop / then.metrics["rmse"])
    assert shares.error == pytest.approx(found.shortfall.error / then.metrics["rmse"])


def test_a_metric_of_numbers_that_needs_the_shape_of_errors_is_not_estimated() -> None:
    model = numbers("median_absolute_error")
    then, scores = evaluated(hours(2000, 1, rush=0.3), numbers("rmse"))
    assert "does not follow" in not_estimated(estimate(hours(2000, 2, rush=0.3), then, scores, model))


def classes(rows: int, seed: int, sharp: float) -> tuple[pa.Table, list[str]]:
    random = np.random.default_rng(seed)
    likely = random.dirichlet([sharp] * 3, rows)
    names = ("high", "low", "middle")
    truth = [names[random.choice(3, p=row)] for row in likely]
    said = [[(name, float(value)) for name, value in zip(names, row, strict=True)] for row in likely]
    table = records(rows, seed).drop_columns([LABEL])
    return table.append_column(SCORES, pa.array(said, pa.map_(pa.string(), pa.float64()))), truth


def test_classes_are_estimated_by_their_own_probabilities() -> None:
    plain = spec(quality={"metric": "accuracy", "max_drop": 0.05})
    evaluation = plain.evaluation.model_copy(update={"primary": "auc_macro"})
    model = plain.model_copy(update={"problem": "multiclass", "evaluation": evaluation})
    table, truth = classes(2000, 3, sharp=1.0)
    found = estimate(table, Reference({"accuracy": 0.9}, {"accuracy": [0.89, 0.91]}), None, model)
    assert found.value is not None
    assert found.shortfall is not None
    came = measure_window("w", table.append_column(LABEL, pa.array(truth)), 1, Reference(), model).metrics["accuracy"]
    assert came is not None
    assert found.value.lo <= came <= found.value.hi
    assert found.shortfall.reading == pytest.approx(0.9 - found.value.value)
    lost = table.set_column(table.column_names.index(SCORES), SCORES, pa.nulls(2000, table.schema.field(SCORES).type))
    assert "2000 of 2000 answers cannot be measured" in not_estimated(estimate(lost, Reference(), None, model))
