"""All drift statistics of every column that two profiles share, and the evidence for each."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from trimtab.data.drift.bins import Bins, category_bins, number_bins
from trimtab.data.drift.chi_square import chi_square
from trimtab.data.drift.jensen_shannon import jensen_shannon
from trimtab.data.drift.kolmogorov_smirnov import kolmogorov_p_value, kolmogorov_smirnov
from trimtab.data.drift.missing_rate import missing_rate_change
from trimtab.data.drift.new_levels import new_level_share
from trimtab.data.drift.psi import psi
from trimtab.data.drift.two_shares import shares_p_value
from trimtab.data.drift.unseen import unseen_p_value
from trimtab.data.drift.wasserstein import reference_spread, wasserstein
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile

TESTS: Final = {
    "psi": "bins",
    "jensen_shannon": "bins",
    "cramers_v": "bins",
    "ks": "numbers",
    "wasserstein": "numbers",
    "missing_rate_change": "missing",
    "new_level_share": "unseen",
}
"""What a rule may look at, each 0 for a column that has not moved, and the test that is its evidence."""


@dataclass(frozen=True)
class Judgement:
    """A column's drift held against its rule."""

    statistic: str
    effect: float
    limit: float
    p_value: float
    """Chance of such evidence in a column that has not moved, corrected for all columns that were judged."""
    moved: bool = False
    """Whether the effect is over the limit and the evidence enough."""

    @property
    def share_of_limit(self) -> float:
        """The effect in units of its limit: above 1 it is too large."""
        return abs(self.effect) / self.limit


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
    p_values: Mapping[str, float] = field(default_factory=dict)
    """Evidence by test, not corrected: ``bins`` (chi-square), ``numbers`` (Kolmogorov-Smirnov), ``missing`` (of two
    shares), ``unseen`` (of new levels). A test that has nothing to go by is absent."""
    judgement: Judgement | None = None
    """None until rules were asked, and where the column does not count."""

    @property
    def moved(self) -> bool:
        """Whether the rules that were asked call it moved."""
        return self.judgement is not None and self.judgement.moved

    def to_json(self) -> dict[str, Any]:
        """The drift as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ColumnDrift":
        """The drift that ``to_json`` wrote, also before there were as many statistics."""
        bins = Bins(**{name: tuple(values) for name, values in document["bins"].items()})
        known = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        judgement = document.get("judgement")
        return cls(**{**known, "bins": bins, "judgement": judgement and Judgement(**judgement)})


def compare(reference: Profile, current: Profile, columns: Iterable[str] | None = None) -> list[ColumnDrift]:
    """The drift of the named columns (all shared ones when None), largest PSI first; times are not compared."""
    wanted = list(reference.columns if columns is None else columns)
    drifts = [drift for name in wanted if (drift := _column_drift(name, reference, current)) is not None]
    return sorted(drifts, key=lambda drift: (-(drift.psi or 0.0), drift.column))


def _column_drift(name: str, reference: Profile, current: Profile) -> ColumnDrift | None:
    left, right = reference.columns.get(name), current.columns.get(name)
    if isinstance(left, NumberProfile) and isinstance(right, NumberProfile):
        return _of_numbers(_measured(name, left, right, number_bins(left, right)), left, right)
    if isinstance(left, CategoryProfile) and isinstance(right, CategoryProfile):
        return _of_levels(_measured(name, left, right, category_bins(left, right)), left, right)
    return None


def _of_numbers(found: ColumnDrift, left: NumberProfile, right: NumberProfile) -> ColumnDrift:
    ks = kolmogorov_smirnov(left.sketch, right.sketch)
    evidence = kolmogorov_p_value(ks, left.sketch.total, right.sketch.total)
    return replace(
        found,
        ks=_known(ks),
        wasserstein=_known(wasserstein(left.sketch, right.sketch) / reference_spread(left.sketch)),
        p_values={**found.p_values, **({} if math.isnan(evidence) else {"numbers": evidence})},
    )


def _of_levels(found: ColumnDrift, left: CategoryProfile, right: CategoryProfile) -> ColumnDrift:
    return replace(
        found,
        new_level_share=_known(new_level_share(left.levels, right.levels)),
        p_values={**found.p_values, "unseen": unseen_p_value(left.levels, right.levels)},
    )


def _measured(
    name: str, left: NumberProfile | CategoryProfile, right: NumberProfile | CategoryProfile, bins: Bins
) -> ColumnDrift:
    test = chi_square(bins.reference, bins.current) if left.rows and right.rows else None
    missing = shares_p_value(left.missing, left.rows, right.missing, right.rows)
    return ColumnDrift(
        column=name,
        kind=left.kind,
        psi=_known(psi(bins.reference, bins.current)),
        ks=None,
        jensen_shannon=_known(jensen_shannon(bins.reference, bins.current)),
        missing_rate_change=_known(missing_rate_change(left.missing, left.rows, right.missing, right.rows)),
        bins=bins,
        cramers_v=test.cramers_v if test else None,
        p_values={"bins": test.p_value, "missing": missing} if test else {},
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
