"""Virtual time: speed, jumps, and what real timestamps become."""

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.clock import Clock


def test_at_speed_one_virtual_time_is_real_time() -> None:
    assert Clock().now() == pytest.approx(time.time(), abs=0.5)


def test_a_jump_moves_time_ahead_and_only_for_what_comes_after() -> None:
    clock = Clock()
    before = time.time() - 0.001
    clock.advance(3600)
    assert clock.now() == pytest.approx(time.time() + 3600, abs=0.5)
    assert clock.to_virtual(before) == pytest.approx(before, abs=0.5)
    assert clock.to_virtual(time.time()) == pytest.approx(clock.now(), abs=0.5)


def test_a_whole_millisecond_stamped_after_a_jump_counts_as_after_it() -> None:
    clock = Clock()
    for _ in range(100):
        clock.advance(3600)
        stamped = int(time.time() * 1000) / 1000
        assert clock.now() - clock.to_virtual(stamped) < 60


def test_speed_stretches_durations() -> None:
    clock = Clock(speed=60)
    assert clock.real(120) == 2
    clock.set_speed(10)
    assert clock.real(120) == 12


def test_a_timestamp_from_before_the_start_stays_as_it_is() -> None:
    assert Clock(speed=60).to_virtual(1000.0) == 1000.0


@given(st.lists(st.one_of(st.floats(0.1, 1000), st.none()), max_size=10))
def test_time_never_goes_back(changes: list[float | None]) -> None:
    clock = Clock()
    seen = [clock.now()]
    for change in changes:
        if change is None:
            clock.advance(10)
        else:
            clock.set_speed(change)
        seen.append(clock.now())
    assert seen == sorted(seen)


def test_sleepers_wake_when_the_clock_jumps() -> None:
    clock = Clock()
    sleeper = threading.Thread(target=clock.sleep, args=(3600,))
    sleeper.start()
    clock.advance(3601)
    sleeper.join(5)
    assert not sleeper.is_alive()


def test_sleepers_stop_when_they_are_told_to() -> None:
    clock, stop = Clock(), threading.Event()
    sleeper = threading.Thread(target=clock.sleep, args=(3600, stop))
    sleeper.start()
    stop.set()
    clock.wake()
    sleeper.join(5)
    assert not sleeper.is_alive()


@pytest.mark.parametrize("speed", [0, -1, math.nan, math.inf, 1e7])
def test_a_clock_that_stands_still_goes_back_or_leaves_the_calendar_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(speed)
    with pytest.raises(ValueError, match="above 0"):
        Clock().set_speed(speed)


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf, 1e12])
def test_a_jump_goes_forward_and_stays_in_the_calendar(seconds: float) -> None:
    with pytest.raises(ValueError, match="goes forward"):
        Clock().advance(seconds)


def history_of_an_hour_ago(speed: float) -> list[tuple[float, float, float]]:
    """A clock that was started at the epoch of virtual time, an hour ago."""
    return [(time.time() - 3600, 0.0, speed)]


def test_while_nothing_runs_virtual_time_passes_as_fast_as_real_time() -> None:
    clock = Clock()
    clock.resume(history_of_an_hour_ago(speed=60), stopped=time.time() - 1800)
    assert clock.now() == pytest.approx(1800 * 60 + 1800, abs=60)
    assert clock.speed == 60
    assert clock.to_virtual(time.time() - 1801) == pytest.approx(1799 * 60, abs=60)
    assert clock.age(time.time() - 3600) == pytest.approx(3600, abs=1)


@given(st.floats(0, 3600), st.floats(0.1, 1000))
def test_a_restart_never_takes_time_back(stopped_seconds_ago: float, speed: float) -> None:
    clock = Clock()
    clock.resume(history_of_an_hour_ago(speed), time.time() - stopped_seconds_ago)
    assert clock.now() > (3599 - stopped_seconds_ago) * speed


def test_a_clock_that_was_changed_after_its_process_was_last_seen_goes_on_from_the_change() -> None:
    clock = Clock()
    clock.resume(history_of_an_hour_ago(speed=60), stopped=time.time() - 7200)
    assert clock.now() == pytest.approx(3600, abs=1)
