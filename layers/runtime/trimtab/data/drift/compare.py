"""All drift statistics of every column that two profiles share."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from trimtab.data.drift.bins import Bins, category_bins, number_bins
from trimtab.data.drift.jensen_shannon import jensen_shannon
from trimtab.data.drift.kolmogorov_smirnov import kolmogorov_smirnov
from trimtab.data.drift.missing_rate import missing_rate_change
from trimtab.data.drift.psi import psi
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile


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

    def to_json(self) -> dict[str, Any]:
        """The drift as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ColumnDrift":
        """The drift that ``to_json`` wrote."""
        bins = Bins(**{name: tuple(values) for name, values in document["bins"].items()})
        return cls(**{**document, "bins": bins})


def compare(reference: Profile, current: Profile, columns: Iterable[str] | None = None) -> list[ColumnDrift]:
    """The drift of the named columns (all shared ones when None), largest PSI first; times are not compared."""
    wanted = list(reference.columns if columns is None else columns)
    drifts = [drift for name in wanted if (drift := _column_drift(name, reference, current)) is not None]
    return sorted(drifts, key=lambda drift: (-(drift.psi or 0.0), drift.column))


def _column_drift(name: str, reference: Profile, current: Profile) -> ColumnDrift | None:
    left, right = reference.columns.get(name), current.columns.get(name)
    if isinstance(left, NumberProfile) and isinstance(right, NumberProfile):
        ks = kolmogorov_smirnov(left.sketch, right.sketch)
        return _measured(name, left, right, number_bins(left, right), ks)
    if isinstance(left, CategoryProfile) and isinstance(right, CategoryProfile):
        return _measured(name, left, right, category_bins(left, right), math.nan)
    return None


def _measured(
    name: str,
    left: NumberProfile | CategoryProfile,
    right: NumberProfile | CategoryProfile,
    bins: Bins,
    ks: float,
) -> ColumnDrift:
    return ColumnDrift(
        column=name,
        kind=left.kind,
        psi=_known(psi(bins.reference, bins.current)),
        ks=_known(ks),
        jensen_shannon=_known(jensen_shannon(bins.reference, bins.current)),
        missing_rate_change=_known(missing_rate_change(left.missing, left.rows, right.missing, right.rows)),
        bins=bins,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
