"""All drift statistics of every column that two profiles share."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from trimtab.data.drift.bins import Bins, category_bins, number_bins
from trimtab.data.drift.chi_square import chi_square
from trimtab.data.drift.correction import holm
from trimtab.data.drift.jensen_shannon import jensen_shannon
from trimtab.data.drift.kolmogorov_smirnov import kolmogorov_smirnov
from trimtab.data.drift.missing_rate import missing_rate_change
from trimtab.data.drift.new_levels import new_level_share
from trimtab.data.drift.psi import psi
from trimtab.data.drift.wasserstein import reference_spread, wasserstein
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile

ALPHA: Final = 0.01
"""Chance that any of the columns of one comparison is called moved although none has."""


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column moved. A statistic that cannot be measured (no rows, not numbers) is None, never NaN."""

    column: str
    kind: str
    psi: float | None
    ks: float | None
    jensen_shannon: float | None
    missing_rate_change: float | None
    bins: Bins
    wasserstein: float | None = None
    """In interquartile ranges of the reference."""
    cramers_v: float | None = None
    new_level_share: float | None = None
    p_value: float | None = None
    """Of the chi-square test over the bins, corrected for all columns that were compared."""

    def moved(self, limit: float, statistic: str = "psi", alpha: float = ALPHA) -> bool:
        """Whether the statistic is over the limit and the rows are enough evidence that the column moved at all.

        Both are asked: with a million rows a trifle is certain, with fifty a large PSI is chance.
        """
        effect = getattr(self, statistic)
        return effect is not None and abs(effect) > limit and (self.p_value is None or self.p_value <= alpha)

    def to_json(self) -> dict[str, Any]:
        """The drift as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ColumnDrift":
        """The drift that ``to_json`` wrote, also before there were as many statistics."""
        bins = Bins(**{name: tuple(values) for name, values in document["bins"].items()})
        known = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        return cls(**{**known, "bins": bins})


STATISTICS: Final = (
    "psi", "ks", "jensen_shannon", "wasserstein", "cramers_v", "missing_rate_change", "new_level_share"
)  # fmt: skip
"""What a rule may look at; each is 0 for a column that has not moved."""


def compare(reference: Profile, current: Profile, columns: Iterable[str] | None = None) -> list[ColumnDrift]:
    """The drift of the named columns (all shared ones when None), largest PSI first; times are not compared."""
    wanted = list(reference.columns if columns is None else columns)
    drifts = [drift for name in wanted if (drift := _column_drift(name, reference, current)) is not None]
    return sorted(_corrected(drifts), key=lambda drift: (-(drift.psi or 0.0), drift.column))


def _corrected(drifts: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    adjusted = holm([math.nan if drift.p_value is None else drift.p_value for drift in drifts])
    return [replace(drift, p_value=_known(p)) for drift, p in zip(drifts, adjusted, strict=True)]


def _column_drift(name: str, reference: Profile, current: Profile) -> ColumnDrift | None:
    left, right = reference.columns.get(name), current.columns.get(name)
    if isinstance(left, NumberProfile) and isinstance(right, NumberProfile):
        return replace(
            _measured(name, left, right, number_bins(left, right)),
            ks=_known(kolmogorov_smirnov(left.sketch, right.sketch)),
            wasserstein=_known(wasserstein(left.sketch, right.sketch) / reference_spread(left.sketch)),
        )
    if isinstance(left, CategoryProfile) and isinstance(right, CategoryProfile):
        found = _measured(name, left, right, category_bins(left, right))
        return replace(found, new_level_share=_known(new_level_share(left.levels, right.levels)))
    return None


def _measured(
    name: str, left: NumberProfile | CategoryProfile, right: NumberProfile | CategoryProfile, bins: Bins
) -> ColumnDrift:
    test = chi_square(bins.reference, bins.current) if left.rows and right.rows else None
    return ColumnDrift(
        column=name,
        kind=left.kind,
        psi=_known(psi(bins.reference, bins.current)),
        ks=None,
        jensen_shannon=_known(jensen_shannon(bins.reference, bins.current)),
        missing_rate_change=_known(missing_rate_change(left.missing, left.rows, right.missing, right.rows)),
        bins=bins,
        cramers_v=test.cramers_v if test else None,
        p_value=test.p_value if test else None,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
