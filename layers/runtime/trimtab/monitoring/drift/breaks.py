"""Columns that are broken rather than moved: a cause in somebody's code, not in the world.

A break is sudden and total, drift is neither. So each kind asks for something that the world does not do: nearly all
values gone, one value only, values of the column next to it, spellings that nobody ever used, or the very distribution
of before in another unit. What training would learn from such rows is wrong, so a break asks for no retraining.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

from trimtab.data.drift.new_levels import new_level_share
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile
from trimtab.data.sketch import ValueSketch
from trimtab.monitoring.drift.shape import (
    DIFFERENT,
    away,
    fitted_scale,
    is_lattice_kept,
    is_mostly_one,
    left_after,
)
from trimtab.monitoring.drift.units import conversions
from trimtab.spec import Spec

GONE: Final = 0.01
"""Share of values left below which a column counts as gone, if more than half were there."""
FEWER: Final = 0.5
"""Share of the values that used to be there below which too many are missing."""
LEAST_LOST: Final = 0.25
"""Share of all rows that must have lost their value for that."""
COMMON: Final = 0.5
"""Share of the commonest value: where it was above, a window of nothing else is no surprise."""
NEW_LEVELS: Final = 0.5
"""Share of rows with levels never seen, from which on somebody has renamed them."""


@dataclass(frozen=True)
class Break:
    """One cause that broke one column, or two that were swapped."""

    kind: str
    """gone, missing, constant, levels, unit or swapped."""
    columns: tuple[str, ...]
    message: str
    against: str
    """What shows it: the reference, or the last window without a break."""

    def to_json(self) -> dict[str, Any]:
        """The break as JSON values."""
        return asdict(self) | {"columns": list(self.columns)}


def find_breaks(current: Profile, reference: Profile, previous: Profile | None, spec: Spec) -> tuple[Break, ...]:
    """What is broken in a window; each column at most once. ``previous`` is the last window that had no break."""
    found: dict[str, Break] = {}
    for said, before in (("previous window", previous), ("reference", reference)):
        if before is not None and before.rows:
            sudden = before is previous or previous is None
            for each in _against(before, current, spec, said, sudden=sudden):
                if not found.keys() & set(each.columns):
                    found.update(dict.fromkeys(each.columns, each))
    return tuple(dict.fromkeys(found.values()))


def _against(before: Profile, current: Profile, spec: Spec, said: str, *, sudden: bool) -> Iterator[Break]:
    """``sudden`` when nothing lies between the two: then a unit that resembles a season's change is asked about too."""
    known = {name: before.columns[name] for name in spec.monitored if name in before.columns}
    seen = {name: current.columns[name] for name in known if name in current.columns}
    for one, other in combinations(seen, 2):
        if _are_swapped(*(pair[name] for name in (one, other) for pair in (known, seen))):
            yield Break("swapped", (one, other), f"'{one}' and '{other}' hold each other's values", said)
    for name, now in seen.items():
        found = _broken(known[name], now, spec.data.columns[name].unit, sudden=sudden)
        if found is not None:
            yield Break(found[0], (name,), f"'{name}' {found[1]}", said)


def _broken(before: Any, now: Any, unit: str | None, *, sudden: bool) -> tuple[str, str] | None:
    """Kind and message; None for a column that is whole."""
    if found := _lost(before, now):
        return found
    if isinstance(before, NumberProfile) and isinstance(now, NumberProfile):
        return _stuck(_common(before), now.sketch.distinct) or _in_another_unit(
            before.sketch, now.sketch, unit, sudden=sudden
        )
    if isinstance(before, CategoryProfile) and isinstance(now, CategoryProfile):
        return _stuck(_common(before), now.levels.distinct) or _renamed(before, now)
    return None


def _lost(before: Any, now: Any) -> tuple[str, str] | None:
    had, has = (1 - side.missing / side.rows if side.rows else 0.0 for side in (before, now))
    if not now.rows or not before.rows:
        return None
    if has < GONE and had > 0.5:
        return "gone", f"has no value any more (it had in {had:.0%} of the rows): not sent, or sent as another type"
    if has < FEWER * had and had - has >= LEAST_LOST:
        return "missing", f"has a value in {has:.0%} of the rows, before in {had:.0%}"
    return None


def _common(before: NumberProfile | CategoryProfile) -> float:
    """Share of the commonest value among the present ones; of a coarse sketch at most that."""
    if isinstance(before, CategoryProfile):
        top = before.levels.top(1)
        return top[0][1] / before.levels.total if top else 1.0
    counts = before.sketch.counts
    return float(counts.max() / counts.sum()) if len(counts) else 1.0


def _stuck(common: float, distinct: int) -> tuple[str, str] | None:
    if distinct == 1 and common < COMMON:
        return "constant", f"has one value in all rows; before, no value had more than {common:.0%}"
    return None


def _renamed(before: CategoryProfile, now: CategoryProfile) -> tuple[str, str] | None:
    share = new_level_share(before.levels, now.levels)
    if not share >= NEW_LEVELS:
        return None
    folded = {_plain(level) for level in before.levels.counts}
    total = sum(now.levels.counts.values())
    alike = sum(count for level, count in now.levels.counts.items() if _plain(level) in folded)
    why = "only their spelling is new" if total and alike / total > 1 - NEW_LEVELS / 10 else "renamed or recoded"
    return "levels", f"has levels never seen before in {share:.0%} of the rows: {why}"


def _plain(level: str) -> str:
    return "".join(character for character in level.casefold() if character.isalnum())


def _in_another_unit(
    before: ValueSketch, now: ValueSketch, unit: str | None, *, sudden: bool
) -> tuple[str, str] | None:
    if is_mostly_one(before) or away(before, now) < DIFFERENT:  # what is rare, as rain, has heavy and light months
        return None
    small = sudden and not is_lattice_kept(before, now)
    asked = [conversion for conversion in conversions(unit) if small or conversion.is_large]
    left = [(left_after(before, now, conversion), conversion) for conversion in asked]
    explaining = [each for each in left if math.isfinite(each[0])]
    if explaining:
        _, best = min(explaining, key=lambda each: (not each[1].is_of_unit, each[0]))
        return "unit", f"looks like {best.name}"
    scale = fitted_scale(before, now) if small else None
    if scale is not None:
        return "unit", f"is on another scale: {scale[0]:.4g} times what it was, {scale[1]:+.4g}"
    return None


def _are_swapped(one: Any, one_now: Any, other: Any, other_now: Any) -> bool:
    """Whether each column's values are far from its own and near the other's."""
    if all(isinstance(side, NumberProfile) for side in (one, one_now, other, other_now)):
        own = away(one.sketch, one_now.sketch), away(other.sketch, other_now.sketch)
        crossed = away(other.sketch, one_now.sketch), away(one.sketch, other_now.sketch)
        return min(own) >= 2 * DIFFERENT and all(far <= near / 4 for far, near in zip(crossed, own, strict=True))
    if all(isinstance(side, CategoryProfile) for side in (one, one_now, other, other_now)):
        strange = (new_level_share(one.levels, one_now.levels), new_level_share(other.levels, other_now.levels))
        across = (new_level_share(other.levels, one_now.levels), new_level_share(one.levels, other_now.levels))
        return min(strange) >= NEW_LEVELS and max(across) <= 1 - NEW_LEVELS
    return False
