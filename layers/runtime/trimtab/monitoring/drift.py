"""How far a window has moved from what its version was trained on and from how it scored at evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.drift import ALPHA, ColumnDrift, DriftRules, compare
from trimtab.data.drift.domain_classifier import Separation, separation
from trimtab.data.profile import NumberProfile, Profile, profile_table
from trimtab.monitoring.records import SCORE, VERSION
from trimtab.spec import Spec

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

    @property
    def drifted(self) -> list[str]:
        """Columns that their rules call moved, furthest first by PSI."""
        return [column.column for column in self.columns if column.moved]

    def reading(self, psi_limit: float) -> float | None:
        """Largest PSI that is more than chance, so that few rows do not ring an alarm; None when nothing is measured.

        A column with a rule of its own counts with its effect over its limit, times the PSI limit: one alarm for all.
        """
        judged = [column.judgement for column in self.columns if column.judgement is not None]
        certain = [found.share_of_limit * psi_limit for found in judged if found.p_value <= ALPHA]
        return max(certain, default=0.0) if judged else None

    @property
    def prediction_reading(self) -> float | None:
        """PSI of the scores where it is more than chance, else 0; None when it was not measured."""
        found = self.prediction.judgement if self.prediction else None
        if found is None:
            return None
        return found.effect if found.p_value <= ALPHA else 0.0

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
    columns = DriftRules.of(spec.monitoring).judge(compare(baseline, current, spec.monitored))
    apart = separation(baseline.sample, current.sample, spec.monitored)
    prediction = _prediction(mine, scores, spec.monitoring.prediction_psi_limit)
    return Drift(mine.num_rows, tuple(columns), prediction, apart)


def _prediction(records: pa.Table, scores: Profile, psi_limit: float) -> ColumnDrift | None:
    current = NumberProfile.of(records.column(SCORE).combine_chunks())
    drift = compare(scores, Profile(records.num_rows, {SCORE_COLUMN: current}), [SCORE_COLUMN])
    found = DriftRules(psi_limit).judge(drift)
    return found[0] if found else None


def baseline_of(entries: Sequence[Mapping[str, Any]], version: int) -> Mapping[str, Any] | None:
    """The newest published baseline of a version among the data of ``baseline.published`` entries."""
    mine = [data for data in entries if int(data["version"]) == version]
    return mine[-1] if mine else None
