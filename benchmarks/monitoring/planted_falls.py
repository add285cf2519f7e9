"""How soon a fall that stays, or that creeps, is noticed in the real sets' own noise; and how often one is invented.

    python -m benchmarks.monitoring.planted_falls

The noise is the performance of a set's windows less its median, in turn from every window on (so there are as many
trials as windows); twelve windows are left alone, then the fall begins. Looked for as the deployed function does, with
every reading anew.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from statistics import median

from benchmarks.monitoring import ours
from benchmarks.monitoring.sets import ALL, Replayed
from trimtab.monitoring.change.look import Look, look_at
from trimtab.monitoring.change.measures import Measure
from trimtab.monitoring.change.series import Reading
from trimtab.spec.change import ChangeSpec

QUIET = 12
AFTER = 40
SETS = ("flights-weeks", "traffic")
Fall = Callable[[int], float]
"""By how many limits performance is worse, so many windows after the beginning."""
CREEPS_FOR = 20
ALIKE = ("performance", "scores", "estimated performance")
"""Measures that ring, and share the chance of a false detection; the first is looked at."""


def lasting(limits: float) -> Fall:
    """From one window to the next, for good."""
    return lambda _after: limits


def creeping(limits: float) -> Fall:
    """By the same in each of twenty windows."""
    return lambda after: limits * min(1.0, (after + 1) / CREEPS_FOR)


FALLS: tuple[tuple[str, Fall], ...] = (
    ("none", lasting(0.0)),
    ("stays, 1 limit", lasting(1.0)),
    ("stays, 1.5 limits", lasting(1.5)),
    ("stays, 2 limits", lasting(2.0)),
    ("stays, 3 limits", lasting(3.0)),
    ("creeps to 2 limits", creeping(2.0)),
)


def noise_of(replayed: Replayed) -> list[Reading]:
    """What performance does by itself, around nothing."""
    last = ours.judge(replayed)[-1].looks
    (readings,) = (look.measure.readings for look in last if look.measure.name == "performance")
    usual = median(reading.value for reading in readings)
    return [Reading(each.at, each.value - usual, each.error) for each in readings]


def quieter(noise: Sequence[Reading]) -> list[Reading]:
    """A quarter of the noise, in windows of a day: as busier traffic would have it."""
    return [
        Reading(noise[0].at + place * timedelta(days=1), each.value / 4, each.error / 4)
        for place, each in enumerate(noise)
    ]


def trials(noise: Sequence[Reading], fall: Fall, limit: float) -> Iterator[list[Reading]]:
    """The noise from every window on, with the fall in it, at the set's own pace."""
    pace = (noise[-1].at - noise[0].at) / (len(noise) - 1)
    for start in range(len(noise)):
        turned = [noise[(start + place) % len(noise)] for place in range(QUIET + AFTER)]
        yield [
            Reading(
                noise[0].at + place * pace,
                each.value + limit * (fall(place - QUIET) if place >= QUIET else 0.0),
                each.error,
            )
            for place, each in enumerate(turned)
        ]


def noticed(readings: Sequence[Reading], limit: float, spec: ChangeSpec) -> tuple[int | None, int | None]:
    """Windows from the beginning of the fall to the first change and the first forecast; negative: before it."""
    change = forecast = None
    for count in range(1, len(readings) + 1):
        (look, *_) = _looks(readings[:count], limit, spec)
        if change is None and look.change and look.change.detected:
            change = count - QUIET
        if forecast is None and look.forecast.is_warning:
            forecast = count - QUIET
    return change, forecast


def _looks(readings: Sequence[Reading], limit: float, spec: ChangeSpec) -> list[Look]:
    measures = [Measure(name, limit, tuple(readings)) for name in ALIKE]
    return look_at(measures, readings[-1].at + timedelta(days=1), spec)


def _line(name: str, found: Sequence[int | None]) -> str:
    early = sum(each is not None and each <= 0 for each in found)
    later = sorted(each for each in found if each is not None and each > 0)
    middle = f"{median(later):g}" if later else "-"
    return f"{name:<9} invented in {early}, found in {len(later)} of {len(found) - early}, after {middle} windows"


def tell(name: str, noise: Sequence[Reading], limit: float, spec: ChangeSpec) -> None:
    """Two lines for each fall."""
    for what, fall in FALLS:
        found = [noticed(readings, limit, spec) for readings in trials(noise, fall, limit)]
        for kind, times in zip(("change", "forecast"), zip(*found, strict=True), strict=True):
            print(f"{name:<24} {what:<19} {_line(kind, times)}", flush=True)


def main() -> None:
    """Each set's noise as it is, and a quarter of it."""
    for name in SETS:
        replayed = ALL[name]()
        spec, noise = replayed.spec.monitoring, noise_of(replayed)
        tell(name, noise, spec.quality.max_drop, spec.change)
        tell(f"{name}, a quarter", quieter(noise), spec.quality.max_drop, spec.change)


if __name__ == "__main__":
    main()
