"""Units that are mistaken for one another, and what each mistake does to a number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from trimtab.data.sketch import Floats


@dataclass(frozen=True)
class Conversion:
    """What becomes of the reference's numbers when they come in another unit; it keeps their order."""

    name: str
    apply: Callable[[Floats], Floats]
    is_large: bool
    """Whether a quantity hardly ever grows or shrinks so much by itself."""
    is_of_unit: bool = True
    """Whether the column's declared unit suggests it, so that it is the likelier explanation of two."""


def _line(factor: float, shift: float, values: Floats) -> Floats:
    return values * factor + shift


def _clock_minutes(values: Floats) -> Floats:
    """Minutes since midnight of times written HHMM."""
    return np.floor(values / 100) * 60 + values % 100


def _clock_hours(values: Floats) -> Floats:
    return _clock_minutes(values) / 60


_SCALES: Final = {"times 10": 10.0, "times 100": 100.0, "times 1,000": 1e3, "times 1,000,000": 1e6,
                  "times 60": 60.0, "times 3,600": 3600.0}  # fmt: skip
_NAMES: Final = {
    "c": "°C", "celsius": "°C", "f": "°F", "fahrenheit": "°F", "k": "K", "kelvin": "K",
    "mi": "mile", "miles": "mile", "mile": "mile", "km": "km", "kilometres": "km", "kilometers": "km",
    "m": "m", "metres": "m", "meters": "m", "ft": "ft", "feet": "ft", "inch": "inch", "inches": "inch", "in": "inch",
    "mm": "mm", "cm": "cm", "mph": "mph", "km/h": "km/h", "kmh": "km/h", "m/s": "m/s", "knots": "kn", "kn": "kn",
    "lb": "lb", "lbs": "lb", "kg": "kg", "%": "%", "percent": "%", "millibar": "hPa", "millibars": "hPa", "hpa": "hPa",
    "mbar": "hPa", "inhg": "inHg", "mmhg": "mmHg", "usd": "USD", "eur": "EUR",
}  # fmt: skip
_LINES: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "°C": {"°F": (1.8, 32.0), "K": (1.0, 273.15)},
    "°F": {"°C": (5 / 9, -160 / 9), "K": (5 / 9, 273.15 - 160 / 9)},
    "K": {"°C": (1.0, -273.15), "°F": (1.8, 32 - 1.8 * 273.15)},
    "mile": {"km": (1.609344, 0.0), "m": (1609.344, 0.0)},
    "km": {"mile": (1 / 1.609344, 0.0)},
    "m": {"ft": (1 / 0.3048, 0.0)},
    "ft": {"m": (0.3048, 0.0)},
    "inch": {"mm": (25.4, 0.0), "cm": (2.54, 0.0)},
    "mm": {"inch": (1 / 25.4, 0.0)},
    "cm": {"inch": (1 / 2.54, 0.0)},
    "mph": {"km/h": (1.609344, 0.0), "m/s": (0.44704, 0.0), "kn": (0.868976, 0.0)},
    "km/h": {"mph": (1 / 1.609344, 0.0), "m/s": (1 / 3.6, 0.0)},
    "m/s": {"km/h": (3.6, 0.0), "mph": (1 / 0.44704, 0.0)},
    "kn": {"km/h": (1.852, 0.0), "mph": (1 / 0.868976, 0.0)},
    "lb": {"kg": (0.45359237, 0.0)},
    "kg": {"lb": (1 / 0.45359237, 0.0)},
    "%": {"shares": (0.01, 0.0)},
    "hPa": {"inHg": (0.0295300, 0.0), "mmHg": (0.750062, 0.0)},
    "inHg": {"hPa": (1 / 0.0295300, 0.0)},
    "mmHg": {"hPa": (1 / 0.750062, 0.0)},
}


def conversions(unit: str | None) -> Iterator[Conversion]:
    """Mistakes that fit a column's declared unit, and those of scale, which fit any."""
    known = _canonical(unit)
    for other, (factor, shift) in _LINES.get(known, {}).items():
        large = not 0.1 < factor < 10 or abs(shift) > 200
        yield Conversion(f"{other} instead of {unit}", partial(_line, factor, shift), large)
    if unit and "hhmm" in unit.lower():
        yield Conversion(f"minutes since midnight instead of {unit}", _clock_minutes, is_large=False)
        yield Conversion(f"hours instead of {unit}", _clock_hours, is_large=True)
    for name, factor in _SCALES.items():
        yield Conversion(name, partial(_line, factor, 0.0), is_large=True, is_of_unit=False)
        opposite = name.replace("times", "divided by")
        yield Conversion(opposite, partial(_line, 1 / factor, 0.0), is_large=True, is_of_unit=False)


def _canonical(unit: str | None) -> str:
    """The unit by one name: ``deg F`` and ``°F`` are the same."""
    plain = (unit or "").strip().lower().replace("degrees", "").replace("deg", "").replace("°", "").strip()
    return _NAMES.get(plain, plain)
