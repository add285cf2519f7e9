"""The set's days on a clock that never goes back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.scene import Scene
from replay.cloud_time import CloudTime

NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Jumping(Scene):
    """A scene whose clock stands until it is moved."""

    at = NOVEMBER

    def now(self) -> datetime:
        return self.at

    def advance(self, hours: float) -> None:
        self.at += timedelta(hours=hours)


def test_the_first_day_lies_ahead_on_the_same_day_of_a_later_year() -> None:
    scene = Jumping("flights", Path())
    assert CloudTime.beginning(scene, datetime(2013, 3, 16, tzinfo=UTC)).years == 14
    assert scene.at == datetime(2027, 3, 16, tzinfo=UTC)


def test_a_moment_that_is_past_moves_nothing_and_days_read_as_the_sets() -> None:
    scene = Jumping("flights", Path())
    clock = CloudTime.beginning(scene, datetime(2013, 12, 1, tzinfo=UTC))
    clock.until(datetime(2013, 11, 1, tzinfo=UTC))
    assert clock.of_set(scene.at) == datetime(2013, 12, 1, tzinfo=UTC)
    clock.until(datetime(2016, 2, 29, 6, tzinfo=UTC))
    assert scene.at == datetime(2029, 2, 28, 6, tzinfo=UTC)
