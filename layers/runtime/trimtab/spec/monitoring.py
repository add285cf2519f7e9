"""The section that says how a model is watched in production."""

import math
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from trimtab.column_types import ColumnType
from trimtab.spec.alarms import AlarmsSpec
from trimtab.spec.base import Section, mistakes
from trimtab.spec.change import ChangeSpec
from trimtab.spec.columns import NUMERIC, Column
from trimtab.spec.performance import BiasWatch, EstimateWatch, QualityRule, SliceWatch
from trimtab.spec.rhythm import longest_gap_hours
from trimtab.spec.windows import WindowsSpec

_OF_NUMBERS: Final = ("ks", "wasserstein")
_OF_LEVELS: Final = ("new_level_share",)
_USUAL_SILENCE: Final = 48
_LOOKED_BACK_HOURS: Final = 168
"""An alarm of CloudWatch evaluates a week at most."""


class DriftRule(Section):
    """What counts as drift of one column, when the rows are evidence enough that it is more than chance."""

    statistic: Literal[
        "psi", "ks", "jensen_shannon", "wasserstein", "cramers_v", "missing_rate_change", "new_level_share"
    ] = "psi"
    """Wasserstein distance is in interquartile ranges of the training rows."""
    limit: float = Field(gt=0)

    def misfit(self, name: str, column: Column) -> str:
        """Why the statistic is never measured for a column; empty when it is."""
        if column.type is ColumnType.TIMESTAMP:
            return f"'{name}' is a timestamp, and the drift of times is not measured"
        is_category = column.type not in NUMERIC or column.domain is not None
        if is_category and self.statistic in _OF_NUMBERS:
            return f"{self.statistic} is for numbers, and '{name}' is a category: use psi or new_level_share"
        if not is_category and self.statistic in _OF_LEVELS:
            return f"{self.statistic} is for categories, and '{name}' is a number: use psi, ks or wasserstein"
        return ""


class MonitoringSpec(Section):
    """What is measured in production, and how often."""

    schedule: str = Field(default="rate(1 day)", pattern=r"^(rate|cron)\(.+\)$")
    windows: WindowsSpec = WindowsSpec()
    """What one window of captured traffic holds."""
    columns: tuple[str, ...] | None = None
    """Columns whose drift counts; all features when absent."""
    psi_limit: float = Field(default=0.25, gt=0)
    drift: dict[str, DriftRule] = Field(default_factory=dict)
    """Rules of single columns, in place of ``psi_limit``."""
    drift_by: Literal["any", "importance"] = "any"
    """Whether the alarm looks at the column that moved most, or at all by how much the version leans on each."""
    reference: Literal["training", "same_period"] = "training"
    """What a window is held against: the training rows, or the same period of them and of earlier years' drops."""
    season: Literal["month", "week", "weekday"] = "month"
    """What counts as the same period: of the year, or, for ``weekday``, of the week."""
    prediction_psi_limit: float = Field(default=0.25, gt=0)
    periods: int = Field(default=1, ge=1, le=7)
    datapoints: int = Field(default=1, ge=1, le=7)
    """An alarm needs this many breaching readings out of ``periods``."""
    min_rows: int = Field(default=200, ge=1)
    quality: QualityRule = QualityRule()
    slices: SliceWatch = SliceWatch()
    bias: BiasWatch = BiasWatch()
    estimate: EstimateWatch = EstimateWatch()
    alarms: AlarmsSpec = AlarmsSpec()
    dashboard: bool = True
    """Whether the model has a page of its own, at 3 USD a month; the overview of all models is there in any case."""
    change: ChangeSpec = ChangeSpec()
    """What is looked for over many windows."""
    silence_hours: int | None = Field(default=None, ge=1, le=24 * 732)
    """Without a reading for this long, the dead-man alarm rings: none was judged of the version that serves. More than
    the time between two readings; when absent, twice that, and 48 at least."""

    @property
    def estimated_drop(self) -> float:
        """How far performance may have fallen by an estimate: as far as by the truth, where nothing else is said."""
        return self.estimate.max_drop or self.quality.max_drop

    @property
    def between_readings_hours(self) -> float:
        """The longest time that lies between two readings when all is well."""
        return max(longest_gap_hours(self.schedule), self.windows.hours or 0.0)

    @property
    def silent_hours(self) -> int:
        """``silence_hours``, or what holds when it is absent."""
        return self.silence_hours or max(_USUAL_SILENCE, math.ceil(2 * self.between_readings_hours))

    @property
    def tells_its_silence(self) -> bool:
        """Whether a silence is longer than CloudWatch can see, so that the runs have to say how long it lasts."""
        return self.silent_hours > _LOOKED_BACK_HOURS

    @model_validator(mode="after")
    def _silence_is_no_pause(self) -> Self:
        """An alarm that rings between two runs would ring for ever, and tell nothing."""
        between = self.between_readings_hours
        if self.silence_hours is not None and self.silence_hours <= between:
            told = (
                f"silence_hours ({self.silence_hours}) is no longer than the {between:g} hours between two readings "
                f"({self.schedule}{f', windows of {self.windows.hours:g} hours' if self.windows.hours else ''}), so "
                f"Silence would ring between them: leave it out ({max(_USUAL_SILENCE, math.ceil(2 * between))} hours "
                f"then), or say more than {between:g}"
            )
            mistakes([(("silence_hours",), told)])
        return self

    @model_validator(mode="after")
    def _truth_is_joined_when_it_is_due(self) -> Self:
        due, joined = self.alarms.truth_expected_days, self.windows.truth_days
        if due is not None and due >= joined:
            told = f"truth is joined within {joined} days (windows.truth_days): say fewer than that, or raise it"
            mistakes([(("alarms", "truth_expected_days"), told)])
        return self

    @model_validator(mode="after")
    def _datapoints_fit(self) -> Self:
        if self.datapoints > self.periods:
            raise ValueError(f"datapoints ({self.datapoints}) cannot exceed periods ({self.periods})")
        return self
