"""S3's sequencers order the events of one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.intake.sequencer import precedes

SEQUENCERS = st.text(alphabet="0123456789ABCDEF", min_size=1, max_size=20)


@given(left=SEQUENCERS, right=SEQUENCERS)
def test_the_shorter_is_padded_with_zeros_on_the_right(left: str, right: str) -> None:
    padded = left.ljust(20, "0"), right.ljust(20, "0")
    assert precedes(left, right) == (padded[0] < padded[1])


@given(left=SEQUENCERS, middle=SEQUENCERS, right=SEQUENCERS)
def test_the_order_is_strict_and_transitive(left: str, middle: str, right: str) -> None:
    assert not (precedes(left, middle) and precedes(middle, left))
    assert not precedes(left, left)
    if precedes(left, middle) and precedes(middle, right):
        assert precedes(left, right)


@given(sequencer=SEQUENCERS, zeros=st.integers(0, 5))
def test_trailing_zeros_mean_nothing(sequencer: str, zeros: int) -> None:
    assert not precedes(sequencer, sequencer + "0" * zeros)
    assert not precedes(sequencer + "0" * zeros, sequencer)


@pytest.mark.parametrize(("left", "right"), [("", "1"), ("1", ""), ("", "")])
def test_an_event_without_a_sequencer_has_no_place(left: str, right: str) -> None:
    assert not precedes(left, right)
