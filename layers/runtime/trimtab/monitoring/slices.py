"""Parts of the traffic that the evaluation had measured by themselves, and which of them fell further than the whole.

A slice is compared with its own value at evaluation, so that one which was always harder is no news, and what the
whole has lost is taken off, so that one cause is told once. Slices are many: p-values are Holm's (1979).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.evaluation.bootstrap import Estimate
from trimtab.evaluation.cells import MISSING
from trimtab.monitoring.answered import Answered
from trimtab.monitoring.reference import Shortfall, estimate_of, standard_error
from trimtab.spec import Spec

SHOWN = 5
"""Slices in the ledger; quality.json has all of them."""
_BETWEEN = re.compile(r"\(([^,]+), ([^\]]+)\]")
Json = dict[str, Any]


@dataclass(frozen=True)
class SliceQuality:
    """The primary metric of one slice in one window."""

    name: str
    n: int
    now: Estimate
    excess: Shortfall
    """Drop below its own value at evaluation, less what the whole has lost."""
    then: float
    p_adjusted: float = 1.0
    """One-sided chance of such an excess among so many slices, none of which has fallen further than the whole."""

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "n": self.n,
            "value": self.now.value,
            "interval": [self.now.lo, self.now.hi],
            "at_evaluation": self.then,
            "drop": self.excess.drop,
            "error": self.excess.error,
            "p_adjusted": self.p_adjusted,
        }


@dataclass(frozen=True)
class Slices:
    """The slices of a window, furthest fallen first."""

    measured: tuple[SliceQuality, ...] = ()
    thin: tuple[str, ...] = ()
    """Slices of the evaluation with too few labelled rows here, or without an interval on either side."""
    absent: tuple[str, ...] = ()
    """Slices by columns that the captured requests do not hold."""
    alpha: float = 0.05

    @property
    def fallen(self) -> list[SliceQuality]:
        """Those of which chance is no explanation."""
        return [each for each in self.measured if each.p_adjusted <= self.alpha and each.excess.drop > 0]

    @property
    def reading(self) -> float | None:
        """Largest excess that is more than chance, 0 when none is; None when no slice was measured."""
        if not self.measured:
            return None
        return max((each.excess.drop for each in self.fallen), default=0.0)

    def to_json(self) -> Json:
        return {
            "slices": [each.to_json() for each in self.measured],
            "slices_thin": list(self.thin),
            "slices_absent": list(self.absent),
            "slices_fallen": [each.name for each in self.fallen],
            "slice_drop": self.reading,
        }


def measure_slices(answered: Answered, whole: Shortfall | None, spec: Spec) -> Slices:
    """Every declared slice of the evaluation on the labelled rows of a window."""
    watch, found, thin, absent = spec.monitoring.slices, [], [], []
    for declared in answered.reference.slices:
        if not set(declared["columns"]) <= set(answered.table.column_names):
            absent.append(declared["name"])
            continue
        rows = np.flatnonzero(members(declared["name"], declared["columns"], answered.table))
        unit = spec.monitoring.quality.drop_in
        measured = _measure(answered, declared, rows, whole, unit) if len(rows) >= watch.min_rows else None
        if measured is None:
            thin.append(declared["name"])
        else:
            found.append(measured)
    judged = sorted(_corrected(found), key=lambda each: -each.excess.drop)
    return Slices(tuple(judged), tuple(thin), tuple(absent), watch.alpha)


def _measure(
    answered: Answered, declared: Json, rows: NDArray[np.intp], whole: Shortfall | None, drop_in: str
) -> SliceQuality | None:
    """None where either side has no value or no interval."""
    primary, confidence = answered.kind.primary, answered.reference.confidence
    before = (declared.get("metrics") or {}).get(primary)
    if before is None:
        return None
    then, now = estimate_of(before, declared.get("interval")), answered.parts.estimate(rows)
    own = Shortfall.of(primary, now, then, confidence).of_value(before, drop_in)
    if not math.isfinite(own.error) or math.isnan(standard_error(then, confidence)) or not own.error > 0:
        return None
    return SliceQuality(declared["name"], len(rows), now, _beyond(own, whole), before)


def _beyond(own: Shortfall, whole: Shortfall | None) -> Shortfall:
    """What a slice has lost beyond the whole. The whole holds the slice, so the error is not too small."""
    if whole is None or not whole.drop > 0:
        return own
    return Shortfall(own.drop - whole.drop, math.hypot(own.error, whole.error), own.confidence)


def _corrected(found: Sequence[SliceQuality]) -> list[SliceQuality]:
    """The same with Holm's p-values of a one-sided normal test."""
    chance = [NormalDist().cdf(-each.excess.drop / each.excess.error) for each in found]
    order = sorted(range(len(found)), key=chance.__getitem__)
    reached, corrected = 0.0, {}
    for place, index in enumerate(order):
        reached = max(reached, min(1.0, chance[index] * (len(found) - place)))
        corrected[index] = reached
    return [
        SliceQuality(each.name, each.n, each.now, each.excess, each.then, corrected[index])
        for index, each in enumerate(found)
    ]


def members(name: str, columns: Sequence[str], table: pa.Table) -> NDArray[np.bool_]:
    """Which rows belong to a slice that the evaluation has called ``name``, shape (n,).

    Its names are ``column=label``, two of them joined by `` & ``; a label is a value, ``missing``, or the quartile
    ``(low, high]`` of a number, whose edges are those of the hold-out to six digits.
    """
    pattern = " & ".join(f"{re.escape(column)}=(.*)" for column in columns)
    matched = re.fullmatch(pattern, name, re.DOTALL)
    if matched is None:
        raise ValueError(f"'{name}' is no slice by {', '.join(columns)}: the evaluation was made by another version")
    found = np.ones(table.num_rows, dtype=bool)
    for column, label in zip(columns, matched.groups(), strict=True):
        found &= _labelled(table.column(column), label)
    return found


def _labelled(column: pa.ChunkedArray, label: str) -> NDArray[np.bool_]:
    values = column.combine_chunks()
    floating = pa.types.is_floating(values.type)
    if label == MISSING:
        return np.asarray(values.is_null(nan_is_null=floating))
    between = _BETWEEN.fullmatch(label)
    if between and (floating or pa.types.is_integer(values.type)):
        numbers = np.asarray(values.cast(pa.float64()).fill_null(math.nan))
        return np.asarray((numbers > float(between[1])) & (numbers <= float(between[2])))
    known = values.dictionary_encode()
    chosen = [code for code, value in enumerate(known.dictionary.to_pylist()) if str(value) == label]
    return np.asarray(pc.fill_null(pc.is_in(known.indices, pa.array(chosen, pa.int32())), False))
