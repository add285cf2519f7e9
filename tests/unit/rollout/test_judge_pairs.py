"""Both versions' answers to the same records, in figures and by the record."""

import math

from trimtab.rollout.judge.pairs import WIDEST, Pairs


def test_pairs_tell_how_far_versions_agree_and_which_records_they_differ_on_most() -> None:
    answers = {f"r{number}": (number / 100 + (0.3 if number == 7 else 0.0), number / 100) for number in range(50)}
    pairs = Pairs.of(answers)
    assert pairs is not None
    assert (pairs.count, pairs.same) == (50, 49)
    assert math.isclose(pairs.mean_difference, 0.3 / 50)
    assert math.isclose(pairs.mean_absolute, 0.3 / 50)
    assert pairs.correlation is not None
    assert 0.8 < pairs.correlation < 1
    assert pairs.widest[0].record == "r7"
    assert math.isclose(pairs.widest[0].difference, 0.3)
    assert len(pairs.widest) == WIDEST
    assert Pairs.from_json(pairs.to_json()) == pairs


def test_differences_in_both_directions_do_not_cancel_out_of_the_absolute_ones() -> None:
    pairs = Pairs.of({"a": (0.6, 0.4), "b": (0.4, 0.6)})
    assert pairs is not None
    assert (pairs.correlation, round(pairs.mean_difference, 9), round(pairs.mean_absolute, 9)) == (None, 0.0, 0.2)


def test_without_a_record_that_both_answered_there_is_nothing_to_tell() -> None:
    assert Pairs.of({}) is None
