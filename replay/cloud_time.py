"""The set's calendar on the cloud's clock, which never goes back: the same days, some years later."""

from dataclasses import dataclass
from datetime import datetime

from demo.scene import Scene


@dataclass(frozen=True)
class CloudTime:
    """Days of the set, as many years later as it takes to lie ahead."""

    scene: Scene
    years: int

    @classmethod
    def beginning(cls, scene: Scene, starts: datetime) -> "CloudTime":
        """The cloud's clock shows the set's first day."""
        now = scene.now()
        years = now.year - starts.year
        if _later(starts, years) <= now:
            years += 1
        found = cls(scene, years)
        found.until(starts)
        return found

    def until(self, moment: datetime) -> None:
        """The cloud's clock shows the set's moment, or a later one if it was past it already."""
        left = (self.of_cloud(moment) - self.scene.now()).total_seconds()
        if left > 0:
            self.scene.advance(hours=left / 3600)

    def of_cloud(self, moment: datetime) -> datetime:
        """The cloud's time at a moment of the set."""
        return _later(moment, self.years)

    def of_set(self, at: datetime) -> datetime:
        """The set's moment of a time of the cloud."""
        return _later(at, -self.years)


def _later(moment: datetime, years: int) -> datetime:
    """The same day of another year; 29 February becomes the 28th where there is none."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year + years, day=day)
