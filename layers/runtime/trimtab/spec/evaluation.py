"""The section that says how a candidate is judged."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.measures import BINARY, METRICS, PRIMARY, baselines_of, names_of
from trimtab.spec.base import Section, nearest
from trimtab.spec.gates import GatesSpec


class MetricRule(Section):
    """A limit that a candidate's metric must keep, with its whole confidence interval's point estimate."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min:g}) is above max ({self.max:g}): no value keeps both")
        return self

    def misfit(self, metric: str) -> str:
        """Why a limit can never be kept, or always is; empty for one that can be missed and kept."""
        outside = [limit for limit in (self.min, self.max) if limit is not None and not METRICS[metric].holds(limit)]
        low, high = METRICS[metric].low, METRICS[metric].high
        return f"{metric} lies between {low:g} and {high:g}, the limit is {outside[0]:g}" if outside else ""


class ChampionRule(Section):
    """What it takes to replace the champion."""

    rule: Literal["superior", "non_inferior"] = "superior"
    margin: float = Field(default=0.0, ge=0)
    """Superior: the paired difference must exceed this. Non-inferior: it may fall short by at most this."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class ThresholdRule(Section):
    """From which score on a binary model says yes."""

    value: float | None = Field(default=None, ge=0, le=1)
    """Fixed by you; when absent, the one with the best F-beta on training rows that a second fit did not learn from."""
    beta: float = Field(default=1.0, gt=0, le=10)
    """How much more recall counts than precision."""
    validation_share: float = Field(default=0.2, ge=0, le=0.5)
    """The last part of the training rows in time, which the second fit leaves out; 0 saves that fit, and the choice is
    made on rows that the model has learned from."""


class EvaluationSpec(Section):
    """How a candidate is judged."""

    primary: str = PRIMARY[BINARY]
    """Metric by which models are compared: auc, auc_macro or rmse by the kind of problem when absent."""
    metrics: dict[str, MetricRule] = Field(default_factory=dict)
    baseline: str = "best"
    """The simple model that a candidate must beat, or the best of them: prevalence, logistic; mean, linear; last_value.
    """
    baselines: tuple[str, ...] = ()
    """Simple models that are measured beside the candidate; all that the rows allow when empty."""
    last_value_by: tuple[str, ...] = ()
    """Columns whose values name a series: its last training label is the baseline last_value."""
    champion: ChampionRule = ChampionRule()
    slices: tuple[str, ...] = ()
    """Columns, or two of them joined by ``*``, along which the hold-out is cut."""
    found_slices: int = Field(default=5, ge=0, le=50)
    """How many of the worst parts are searched for and reported besides; 0 searches none."""
    folds: int = Field(default=4, ge=0, le=24)
    """Parts of the hold-out, one after the other in time, that stability is read from."""
    gates: GatesSpec = GatesSpec()
    min_rows: int = Field(default=200, ge=20)
    """Fewer hold-out rows than this and nothing is judged."""
    max_size_mb: float = Field(default=250, gt=0)
    bootstrap_rounds: int = Field(default=300, ge=100, le=10_000)
    bootstrap: Literal["auto", "stratified", "blocked"] = "auto"
    """How rows are drawn: within classes, in blocks of time, or in blocks when errors near in time are alike."""
    block_unit: Literal["auto", "hour", "day", "week"] = "auto"
    """What a block is made of; auto takes the longest of which the hold-out has thirty or more."""
    threshold: ThresholdRule = ThresholdRule()
    quantile: float = Field(default=0.5, gt=0, lt=1)
    """Of the quantile loss of a regression."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns besides the features that an evaluation reads, each once."""
        cut = (name.strip() for cut in self.slices for name in cut.split("*"))
        return tuple(dict.fromkeys([*cut, *self.last_value_by]))

    def mistakes(self, problem: str, *, timed: bool) -> Iterator[tuple[tuple[str, ...], str]]:
        """What does not fit the kind of problem, with its place in this section."""
        baselines = baselines_of(problem, timed=timed)
        for place, name in ((("primary",), self.primary), *((("metrics", name), name) for name in self.metrics)):
            rule = self.metrics.get(name) if place[0] == "metrics" else None
            wrong = no_metric(name, problem) or (rule.misfit(name) if rule else "")
            if wrong:
                yield place, wrong
        for place, name in ((("baseline",), self.baseline), *((("baselines",), name) for name in self.baselines)):
            if name not in baselines and (place, name) != (("baseline",), "best"):
                yield place, f"'{name}' is no baseline here: {', '.join(baselines)}{nearest(name, baselines)}"
        if self.baselines and self.baseline not in ("best", *self.baselines):
            yield ("baseline",), f"'{self.baseline}' is not among baselines"
        if any(cut.count("*") > 1 for cut in self.slices):
            yield ("slices",), "at most two columns make a slice"
        if self.bootstrap == "blocked" and not timed:
            yield ("bootstrap",), "blocks of time need data.event_time"


def no_metric(name: str, problem: str) -> str:
    """What is wrong with a name that is no metric of such a problem, empty when it is one."""
    metrics = names_of(problem)
    return (
        ""
        if name in metrics
        else f"'{name}' is no metric of a {problem} problem: {', '.join(metrics)}{nearest(name, metrics)}"
    )
