"""The drift of one window."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from trimtab.data.drift import ALPHA, ColumnDrift
from trimtab.data.drift.domain_classifier import Separation
from trimtab.data.drift.psi_estimate import Estimate, psi_estimate
from trimtab.monitoring.drift.breaks import Break
from trimtab.monitoring.drift.importance import certain, shares, weighted
from trimtab.monitoring.drift.observed import Period


@dataclass(frozen=True)
class Drift:
    """Drift of one window's records of one version; nothing is measured on fewer than the spec's minimum of rows."""

    rows: int
    columns: tuple[ColumnDrift, ...] = ()
    prediction: ColumnDrift | None = None
    separation: Separation | None = None
    """How well a classifier tells the window's rows from the reference's, all monitored columns together."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """How much the version leans on each column, as the evaluation measured it; empty when that is not known."""
    breaks: tuple[Break, ...] = ()
    """Columns that are broken rather than moved: they count for no reading of drift."""
    quality: Sequence[Mapping[str, Any]] = ()
    """Shares of values that break the contract."""
    reference: str = "training"
    reference_reason: str = ""
    """Why the reference is not the one that the spec asks for; empty when it is."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Largest PSI by column that the same periods of earlier years have among themselves."""
    period: Period | None = None
    """First and last event time."""

    @property
    def psi(self) -> dict[str, float]:
        """PSI by column, largest first; a column that could not be measured is absent."""
        return {column.column: column.psi for column in self.columns if column.psi is not None}

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """PSI by column less what chance adds, with its standard error."""
        found = {column.column: psi_estimate(column.bins.reference, column.bins.current) for column in self.columns}
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    @property
    def prediction_estimate(self) -> Estimate | None:
        """The same of the scores."""
        return psi_estimate(self.prediction.bins.reference, self.prediction.bins.current) if self.prediction else None

    @property
    def broken(self) -> frozenset[str]:
        """Columns that are broken."""
        return frozenset(name for found in self.breaks for name in found.columns)

    @property
    def whole(self) -> tuple[ColumnDrift, ...]:
        """The drift of columns that are not broken."""
        return tuple(column for column in self.columns if column.column not in self.broken)

    @property
    def importance(self) -> dict[str, float]:
        """Share of all importance by measured column; the same for all while nothing is known of it."""
        return shares(self.weights, self.psi)

    @property
    def drifted(self) -> list[str]:
        """Columns that their rules call moved, those that matter most first: by importance times PSI, then by PSI."""
        weight = self.importance
        moved = [column for column in self.whole if column.moved]
        order = sorted(moved, key=lambda it: (-weight.get(it.column, 0.0) * (it.psi or 0.0), -(it.psi or 0.0)))
        return [column.column for column in order]

    def reading(self, psi_limit: float) -> float | None:
        """Largest PSI that is more than chance, so that few rows do not ring an alarm; None when nothing is measured.

        A column with a rule of its own counts with its effect over its limit, times the PSI limit: one alarm for all.
        """
        if not self.columns:
            return None
        judged = [column.judgement for column in self.whole if column.judgement is not None]
        reached = [found.share_of_limit * psi_limit for found in judged if found.p_value <= ALPHA]
        return max(reached, default=0.0) if judged or self.breaks else None

    def weighted(self, psi_limit: float) -> Estimate | None:
        """Mean PSI by importance over the columns that are judged."""
        judged = [column for column in self.whole if column.judgement is not None]
        return weighted(judged, self.estimates, self.weights, psi_limit)

    def weighted_reading(self, psi_limit: float) -> float | None:
        """The same where it is more than chance, else 0; None when it was not measured."""
        found = certain(self.weighted(psi_limit))
        return 0.0 if found is None and self.breaks else found

    @property
    def prediction_reading(self) -> float | None:
        """PSI of the scores where it is more than chance, else 0; None when it was not measured."""
        found = self.prediction.judgement if self.prediction else None
        if found is None:
            return None
        return found.effect if found.p_value <= ALPHA else 0.0

    def to_json(self) -> dict[str, Any]:
        """The drift with all statistics and bins as JSON values."""
        estimates = self.estimates
        return {
            "rows": self.rows,
            "reference": self.reference,
            "reference_reason": self.reference_reason,
            "usual": dict(self.usual),
            "period": period_json(self.period),
            "columns": [_column(column, estimates, self.importance) for column in self.columns],
            "prediction": self.prediction and _estimated(self.prediction, self.prediction_estimate),
            "separation": asdict(self.separation) if self.separation else None,
            "importance": self.importance if self.weights else None,
            "schema_breaks": [found.to_json() for found in self.breaks],
            "quality": list(self.quality),
        }


def period_json(period: Period | None) -> dict[str, str] | None:
    """First and last event time as the ledger keeps them."""
    return {"start": period[0].isoformat(), "end": period[1].isoformat()} if period else None


def _column(column: ColumnDrift, estimates: Mapping[str, Estimate], importance: Mapping[str, float]) -> dict[str, Any]:
    return _estimated(column, estimates.get(column.column)) | {"importance": importance.get(column.column)}


def _estimated(column: ColumnDrift, estimate: Estimate | None) -> dict[str, Any]:
    found = {"psi_corrected": estimate and estimate.value, "psi_error": estimate and estimate.error}
    return column.to_json() | found
