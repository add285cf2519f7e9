"""How far a window has moved from what its version was trained on and from how it scored at evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.drift import ColumnDrift, compare
from trimtab.data.drift.domain_classifier import Separation, separation
from trimtab.data.profile import NumberProfile, Profile, profile_table
from trimtab.monitoring.records import SCORE, VERSION
from trimtab.spec import MonitoringSpec, Spec

SCORE_COLUMN = "score"
"""Name of the scores in the profile that the evaluation writes."""


@dataclass(frozen=True)
class Drift:
    """Drift of one window's records of one version; nothing is measured on fewer than the spec's minimum of rows."""

    rows: int
    columns: tuple[ColumnDrift, ...] = ()
    prediction: ColumnDrift | None = None
    separation: Separation | None = None
    """How well a classifier tells the window's rows from the training rows, all monitored columns together."""

    @property
    def psi(self) -> dict[str, float]:
        """PSI by column, largest first; a column that could not be measured is absent."""
        return {column.column: column.psi for column in self.columns if column.psi is not None}

    def drifted(self, watch: MonitoringSpec) -> list[str]:
        """Columns beyond their limit, with rows enough to mean it, furthest first by PSI."""
        return [column.column for column in self.columns if column.moved(*_limit_of(column, watch))]

    def reading(self, watch: MonitoringSpec) -> float | None:
        """Largest PSI that is more than chance, so that few rows do not ring an alarm; None when nothing is measured.

        A column with a rule of its own counts with its effect over its limit, times the PSI limit: one alarm for all.
        """
        certain = [_scaled(column, watch) for column in self.columns if column.moved(0.0)]
        return max(certain, default=0.0) if self.psi else None

    def to_json(self) -> dict[str, Any]:
        """The drift with all statistics and bins as JSON values."""
        return {
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json() if self.prediction else None,
            "separation": asdict(self.separation) if self.separation else None,
        }


def measure(records: pa.Table, version: int, baseline: Profile, scores: Profile, spec: Spec) -> Drift:
    """Drift of the records that ``version`` answered against its training rows and its scores at evaluation."""
    mine = records.filter(pc.equal(records.column(VERSION), version))
    if mine.num_rows < spec.monitoring.min_rows:
        return Drift(mine.num_rows)
    monitored = {name: spec.data.columns[name] for name in spec.monitored}
    current = profile_table(mine, monitored, spec.data.id)
    columns = compare(baseline, current, spec.monitored)
    apart = separation(baseline.sample, current.sample, spec.monitored)
    return Drift(mine.num_rows, tuple(columns), _prediction(mine, scores), apart)


def _prediction(records: pa.Table, scores: Profile) -> ColumnDrift | None:
    current = NumberProfile.of(records.column(SCORE).combine_chunks())
    found = compare(scores, Profile(records.num_rows, {SCORE_COLUMN: current}), [SCORE_COLUMN])
    return found[0] if found else None


def _limit_of(column: ColumnDrift, watch: MonitoringSpec) -> tuple[float, str]:
    rule = watch.drift.get(column.column)
    return (rule.limit, rule.statistic) if rule else (watch.psi_limit, "psi")


def _scaled(column: ColumnDrift, watch: MonitoringSpec) -> float:
    limit, statistic = _limit_of(column, watch)
    effect: float = abs(getattr(column, statistic) or 0.0)
    return effect / limit * watch.psi_limit


def baseline_of(entries: Sequence[Mapping[str, Any]], version: int) -> Mapping[str, Any] | None:
    """The newest published baseline of a version among the data of ``baseline.published`` entries."""
    mine = [data for data in entries if int(data["version"]) == version]
    return mine[-1] if mine else None
