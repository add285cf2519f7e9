"""Parts of the hold-out: how columns are cut, what is found, and how often chance is taken for a finding."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from trimtab.evaluation.cells import Cut, cross, cut
from trimtab.evaluation.draws import Stratified
from trimtab.evaluation.importance import importance, sample, shuffled_blocks
from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.parts import ROWS, Measured
from trimtab.evaluation.slices import MIN_ROWS, declared_parts, found_parts, judge

BINARY = Kind("binary", "auc")


def column(values: Sequence[object] | np.ndarray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def sizes(found: Cut) -> dict[str, int]:
    return {name: len(found.members(place)) for place, name in enumerate(found.names)}


def test_few_values_are_cut_one_by_one_and_the_missing_apart() -> None:
    found = cut("site", column(["a"] * 3 + ["b"] * 2 + [None]))
    assert sizes(found) == {"site=a": 3, "site=b": 2, "site=missing": 1}


@pytest.mark.parametrize("kind", [float, int])
def test_a_number_with_many_values_is_cut_into_quartiles(kind: type) -> None:
    found = cut("load", column([*map(kind, range(1000)), None]))
    assert list(sizes(found).values()) == [250, 250, 250, 250, 1]
    assert found.names[0] == "load=(-inf, 249.75]"


def test_nan_is_missing_and_booleans_are_values() -> None:
    assert sizes(cut("load", column([1.0, math.nan, 1.0]))) == {"load=1.0": 2, "load=missing": 1}
    assert sizes(cut("on", column([True, False, True]))) == {"on=True": 2, "on=False": 1}


def test_rare_values_beyond_twenty_are_in_no_part() -> None:
    values = [f"v{n:02}" for n in range(30) for _ in range(30 - n)]
    found = cut("text", column(values))
    assert len(found.names) == 20
    assert sum(sizes(found).values()) == sum(30 - n for n in range(20))


def test_two_columns_are_crossed() -> None:
    found = cross(cut("a", column([1, 1, 2])), cut("b", column(["x", "y", "x"])))
    assert sizes(found) == {"a=1 & b=x": 1, "a=1 & b=y": 1, "a=2 & b=x": 1, "a=2 & b=y": 0}


def sites(random: np.random.Generator, n: int = 2_000) -> list[Cut]:
    return [cut(name, column(random.integers(0, 4, n))) for name in ("site", "shift", "line")]


def test_a_broken_pair_of_values_is_found_and_is_the_worst() -> None:
    random = np.random.default_rng(0)
    cuts = sites(random)
    excess = random.normal(size=2_000)
    excess[(cuts[0].codes == 1) & (cuts[2].codes == 3)] += 1.0
    found = found_parts(cuts, excess, 3, seed=0)
    assert found[0].columns == ("site", "line")
    assert len(found[0].rows) == ((cuts[0].codes == 1) & (cuts[2].codes == 3)).sum()
    assert found[0].p_adjusted <= 0.01
    assert all(
        part.p_adjusted > 0.05 for part in found[1:] if "line" not in part.columns and "site" not in part.columns
    )


def test_a_part_that_is_nearly_everybody_is_not_looked_for_but_may_be_declared() -> None:
    """Nine rows in ten lose more than the rest: what is wrong there is wrong with the whole."""
    random = np.random.default_rng(0)
    common = cut("kind", column(np.where(random.random(2_000) < 0.9, "usual", "rare")))
    excess = random.normal(size=2_000) + np.where(common.codes == 0, 0.5, 0.0)
    assert found_parts([common], excess, 3, seed=0) == []
    assert [part.name for part in declared_parts([common], excess, seed=0)] == ["kind=usual", "kind=rare"]


def test_chance_is_taken_for_a_finding_as_rarely_as_the_corrected_p_says() -> None:
    """57 parts are looked at, each time; heavy tails, so that a few rows can carry a part."""
    trials, wrong = 60, 0
    for trial in range(trials):
        random = np.random.default_rng([3, trial])
        found = found_parts(sites(random), random.standard_t(3, 2_000), 1, seed=trial)
        wrong += bool(found and found[0].p_adjusted <= 0.1)
    assert wrong / trials <= 0.1 + 3 * math.sqrt(0.09 / trials)


HOURS, BY_HOUR = 300, 12


def weather(random: np.random.Generator) -> tuple[list[Cut], np.ndarray]:
    """Columns that say the same of all rows of an hour, and each row's block of six hours."""
    hour = np.repeat(np.arange(HOURS), BY_HOUR)
    cuts = [cut(name, column(random.integers(0, 5, HOURS)[hour])) for name in ("dew", "rain", "wind")]
    return cuts, hour // 6


def hourly_excess(random: np.random.Generator) -> np.ndarray:
    """Rows of an hour are good or bad together."""
    return np.repeat(random.normal(size=HOURS), BY_HOUR) + random.normal(size=HOURS * BY_HOUR)


def test_parts_that_follow_time_are_found_by_chance_as_rarely_as_the_corrected_p_says() -> None:
    trials, wrong = 60, {"rows": 0, "blocks": 0}
    for trial in range(trials):
        random = np.random.default_rng([4, trial])
        (cuts, blocks), excess = weather(random), hourly_excess(random)
        for way, given in (("rows", None), ("blocks", blocks)):
            found = found_parts(cuts, excess, 1, trial, blocks=given)
            wrong[way] += bool(found and found[0].p_adjusted <= 0.1)
    assert wrong["rows"] / trials > 0.5  # why rows are not permuted there
    assert wrong["blocks"] / trials <= 0.1 + 3 * math.sqrt(0.09 / trials)


def test_a_part_that_is_bad_in_hour_after_hour_is_found_among_alike_hours() -> None:
    random = np.random.default_rng(0)
    (cuts, blocks), excess = weather(random), hourly_excess(random)
    excess[cuts[1].codes == 2] += 1.5
    found = found_parts(cuts, excess, 1, 0, blocks=blocks)
    assert found[0].columns == ("rain",)
    assert found[0].p_adjusted <= 0.01


def test_one_terrible_hour_condemns_no_part() -> None:
    random = np.random.default_rng(0)
    hour = np.repeat(np.arange(30), 100)
    cuts, excess = [cut("hour", column(hour % 10))], random.normal(size=3_000)
    excess[hour == 7] += 5.0
    assert found_parts(cuts, excess, 1, 0)[0].p_adjusted <= 0.01
    assert found_parts(cuts, excess, 1, 0, blocks=hour)[0].p_adjusted > 0.1


def test_declared_parts_are_corrected_for_each_other_and_small_ones_left_out() -> None:
    random = np.random.default_rng(0)
    site = cut("site", column(["good"] * 500 + ["bad"] * 500 + ["rare"] * (MIN_ROWS - 1)))
    excess = random.normal(size=1_099) + np.r_[np.zeros(500), np.ones(500), np.zeros(MIN_ROWS - 1)]
    found = {part.name: part for part in declared_parts([site], excess, seed=0)}
    assert set(found) == {"site=good", "site=bad"}
    assert found["site=bad"].p_adjusted < 0.01 < 0.9 < found["site=good"].p_adjusted


def test_without_numbers_nothing_is_searched_and_nothing_is_claimed() -> None:
    cuts = sites(np.random.default_rng(0))
    excess = np.full(2_000, np.nan)
    assert found_parts(cuts, excess, 5, seed=0) == []
    assert all(math.isnan(part.p_adjusted) for part in declared_parts(cuts, excess, seed=0))
    assert judge([], [], [], np.ones(5), 0)[0].shape == (0,)


def measured(n: int = 3_000, champion: bool = True) -> Measured:
    """The candidate is wrong in the first half of the rows; the champion is right everywhere."""
    random = np.random.default_rng(0)
    label = random.integers(0, 2, n).astype(float)
    right = np.clip(0.5 + 0.3 * (label - 0.5) + random.normal(0, 0.2, n), 0, 1)
    scores = {"candidate": np.where(np.arange(n) < n // 2, 1 - right, right)} | (
        {"champion": right} if champion else {}
    )
    drawn = Stratified(label.astype(int))
    return Measured(BINARY, label, scores, dict.fromkeys(scores, 0.5), np.ones(n, bool), drawn, 0.95, 0)


def test_a_part_is_measured_against_the_rest_and_the_champion() -> None:
    broken = np.arange(1_500)
    made = measured()
    mine = made.estimate(broken)
    whole, rest = made.whole(broken, mine), made.against_rest(broken, mine)
    champion, difference = made.against_champion(broken)
    assert whole["n"] == 1_500
    assert whole["interval"][0] < whole["metrics"]["auc"] < whole["interval"][1] < 0.3
    assert rest is not None
    assert rest["lo"] < rest["value"] < rest["hi"] < -0.5
    assert champion is not None
    assert champion > 0.8
    assert difference is not None
    assert difference["hi"] < -0.5
    assert difference["value"] == pytest.approx(whole["metrics"]["auc"] - champion)


def test_without_a_champion_a_part_has_no_difference_to_it() -> None:
    assert measured(champion=False).against_champion(np.arange(500)) == (None, None)
    every = np.arange(3_000)
    assert measured().against_rest(every, measured().estimate(every)) is None


def test_a_large_part_s_interval_is_that_of_all_its_rows() -> None:
    """Twice as many rows as are drawn: about 1/sqrt(2) of the width that the drawn ones have."""
    rows = np.arange(2 * ROWS)
    wide = measured(2 * ROWS, champion=False)
    large, half = (wide.estimate(each) for each in (rows, rows[::2]))
    ratio = (large.hi - large.lo) / (half.hi - half.lo)
    assert ratio == pytest.approx(math.sqrt(0.5), abs=0.12)


def test_shuffling_moves_one_column_and_nothing_else() -> None:
    records = [{"id": row, "a": row, "b": -row} for row in range(50)]
    first, second = shuffled_blocks(records, ["a", "b"], seed=0)
    assert sorted(record["a"] for record in first) == list(range(50))
    assert [record["a"] for record in first] != list(range(50))
    assert [record["b"] for record in first] == [record["b"] for record in records]
    assert [record["a"] for record in second] == list(range(50))


def test_a_feature_that_decides_matters_most() -> None:
    label = np.array([0, 1] * 100)
    score = np.where(label, 0.9, 0.1)
    shuffled = np.vstack([np.random.default_rng(0).permutation(score), score])
    found = importance(["decides", "idle"], label, score, shuffled, BINARY)
    assert list(found) == ["decides", "idle"]
    assert found["idle"] == 0
    assert found["decides"] > 0.3


def test_of_a_loss_the_rise_counts() -> None:
    label = np.arange(50.0)
    shuffled = np.vstack([label[::-1], label])
    found = importance(["decides", "idle"], label, label, shuffled, Kind("regression", "rmse"))
    assert found["decides"] > 10
    assert found["idle"] == 0


def test_the_sample_is_the_same_for_the_same_seed() -> None:
    assert (sample(10_000, 1) == sample(10_000, 1)).all()
    assert len(sample(10_000, 1)) == 1_000
    assert (sample(7, 1) == np.arange(7)).all()
