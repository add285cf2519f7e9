"""Reading a report with distrust: a number that is missing or not finite never counts as one."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.errors import DataError

Outcome = Literal["pass", "refuse", "not_judged"]
Report = Mapping[str, Any]
SCHEMA = 2
KINDS = ("binary", "multiclass", "regression")


def read_report(body: bytes) -> dict[str, Any]:
    """evaluation.json as strict JSON. Raises DataError for NaN, Infinity or anything that is no report."""
    try:
        report = json.loads(body, parse_constant=_no_constant)
    except ValueError as error:
        raise DataError(f"evaluation.json is not valid JSON: {error}") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or report.get("problem") not in KINDS:
        raise DataError(f"evaluation.json is not a report of schema {SCHEMA}: train again")
    return report


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def at(report: Any, *keys: str) -> Any:
    """The value below ``keys``, None where a step is missing."""
    for key in keys:
        report = report.get(key) if isinstance(report, Mapping) else None
    return report


def number(value: Any) -> float | None:
    """``value`` when it is a finite number, else None: text that looks like one does not count."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def interval(value: Any) -> tuple[float, float] | None:
    """Two finite ends from a list."""
    ends = [number(end) for end in value] if isinstance(value, list | tuple) and len(value) == 2 else []
    return (ends[0], ends[1]) if len(ends) == 2 and ends[0] is not None and ends[1] is not None else None


@dataclass(frozen=True)
class Estimate:
    """A value with an interval."""

    value: float
    lo: float
    hi: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.lo, self.hi


def estimate(found: Any, value: str = "value") -> Estimate | None:
    """From a mapping with ``value``, ``lo`` and ``hi``; None when one of them is no number."""
    numbers = [number(at(found, key)) for key in (value, "lo", "hi")]
    if numbers[0] is None or numbers[1] is None or numbers[2] is None:
        return None
    return Estimate(numbers[0], numbers[1], numbers[2])
