"""The features section: what is made of the columns before a model learns from them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trimtab.column_types import ColumnType
from trimtab.spec.base import Section, mistakes, nearest
from trimtab.spec.columns import Column

Scalar = str | int | float | bool
Kind = Literal["number", "level", "time"]
"""What a column is to a transformation; a number or a boolean may also be taken as a level."""
DatePart = Literal[
    "year", "quarter", "month", "day", "day_of_year", "weekday", "hour", "minute", "minute_of_day"
]  # fmt: skip
Cycle = Literal["month", "day", "day_of_year", "weekday", "hour", "minute", "minute_of_day"]


class Impute(Section):
    """Missing values are replaced by one that was found in the training rows."""

    do: Literal["impute"]
    by: Literal["mean", "median", "most_frequent", "constant"] = "median"
    value: float | str | None = None
    """What stands for a missing value, for ``constant``."""
    indicator: bool = False
    """Adds a column that is 1 where a value was missing."""

    @model_validator(mode="after")
    def _constant_has_a_value(self) -> Self:
        if (self.by == "constant") != (self.value is not None):
            raise ValueError("value goes with by: constant, and by: constant needs a value")
        return self


class Scale(Section):
    """Numbers are centred and divided by their spread in the training rows."""

    do: Literal["scale"]
    by: Literal["standard", "robust", "minmax"] = "standard"
    """Mean and standard deviation; median and interquartile range; smallest value and range."""


class Clip(Section):
    """Numbers beyond a limit become the limit."""

    do: Literal["clip"]
    low: float | None = None
    high: float | None = None
    quantiles: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] | None = None
    """Limits are these quantiles of the training rows."""

    @model_validator(mode="after")
    def _has_limits_in_order(self) -> Self:
        fixed = self.low is not None or self.high is not None
        if fixed == (self.quantiles is not None):
            raise ValueError("give low, high or both; or quantiles")
        low, high = self.quantiles or (self.low, self.high)
        if low is not None and high is not None and low > high:
            raise ValueError(f"{low:g} is above {high:g}: swap them")
        return self


class Log(Section):
    """Numbers become logarithms; outside the logarithm's domain they become missing."""

    do: Literal["log"]
    by: Literal["log", "log1p", "signed"] = "log1p"
    """``signed``: the sign times log1p of the size, for numbers of either sign."""


class Bin(Section):
    """Numbers become the number of the bin, counted from 0, in which they lie; missing stays missing."""

    do: Literal["bin"]
    quantiles: int | None = Field(default=None, ge=2, le=255)
    """As many bins as this, of about equally many training rows each."""
    edges: tuple[float, ...] | None = Field(default=None, min_length=1)
    """Where one bin ends and the next begins, ascending; a value at an edge lies above it."""

    @model_validator(mode="after")
    def _has_edges(self) -> Self:
        if (self.quantiles is None) == (self.edges is None):
            raise ValueError("give quantiles or edges")
        if self.edges and any(left >= right for left, right in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        return self


class OneHot(Section):
    """A level becomes a column of 0 and 1 for each level that is frequent enough in the training rows."""

    do: Literal["one_hot"]
    min_count: int = Field(default=1, ge=1)
    min_share: float = Field(default=0.0, ge=0, lt=1)
    """Levels of fewer rows, or of a smaller share of rows, are rare."""
    max_levels: int = Field(default=100, ge=1, le=10_000)
    """The most frequent ones have columns of their own."""
    others: Literal["column", "zeros"] = "column"
    """Rare and unseen levels share a column, or have only zeros."""
    missing: Literal["column", "zeros"] = "column"


class Ordinal(Section):
    """A level becomes its number in the order of the training rows' levels, counted from 0."""

    do: Literal["ordinal"]
    min_count: int = Field(default=1, ge=1)
    """Levels of fewer training rows count as unseen."""
    unseen: float = -1.0
    missing: float = -1.0


class TargetEncode(Section):
    """A level becomes the mean label of its rows, drawn towards the mean of all.

    While a model is trained, a row's own label has no part in its value: it comes from the other folds.
    """

    do: Literal["target_encode"]
    folds: int = Field(default=5, ge=2, le=50)
    by: Literal["time", "random"] = "time"
    """Folds are stretches of time, or drawn by lot from training.seed."""
    smoothing: float = Field(default=20.0, ge=0)
    """Number of rows that the mean of all counts for."""
    max_levels: int = Field(default=10_000, ge=1, le=1_000_000)
    """The most frequent ones have values of their own; the others, and unseen ones, have the mean of all."""


class Hash(Section):
    """A text becomes counts of its words or runs of characters, each in the column that its hash names."""

    do: Literal["hash"]
    by: Literal["token", "character"] = "token"
    runs: tuple[Annotated[int, Field(ge=1, le=10)], Annotated[int, Field(ge=1, le=10)]] = (3, 5)
    """Shortest and longest run of characters."""
    columns: int = Field(default=64, ge=2, le=4096)
    signed: bool = True
    """Half of the words count as -1, so that collisions cancel out in the mean."""
    norm: Literal["l2", "none"] = "l2"

    @model_validator(mode="after")
    def _runs_are_ordered(self) -> Self:
        if self.runs[0] > self.runs[1]:
            raise ValueError(f"runs start at {self.runs[0]} and end at {self.runs[1]}: swap them")
        return self


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"'{name}' is no time zone of the IANA database, such as Europe/Berlin") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
"""IANA name of the time zone whose clock and calendar count."""


class DateParts(Section):
    """A time becomes parts of its date and clock."""

    do: Literal["date_parts"]
    parts: tuple[DatePart, ...] = Field(min_length=1)
    zone: Zone = "UTC"


class Cyclic(Section):
    """A time becomes sine and cosine of where it stands in each cycle, so that the end is next to the beginning."""

    do: Literal["cyclic"]
    parts: tuple[Cycle, ...] = Field(min_length=1)
    zone: Zone = "UTC"


class Custom(Section):
    """The columns become what a function or class of features.py makes of them."""

    do: Literal["custom"]
    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    options: dict[str, Scalar] = Field(default_factory=dict)
    """Passed by name."""


class Pass(Section):
    """The columns stay as they are; numbers and booleans become floating-point numbers."""

    do: Literal["pass"]


class Drop(Section):
    """The columns are left out."""

    do: Literal["drop"]


def _named(step: object) -> object:
    return {"do": step} if isinstance(step, str) else step


def _listed(columns: object) -> object:
    return (columns,) if isinstance(columns, str) else columns


Step = Annotated[
    Impute | Scale | Clip | Log | Bin | OneHot | Ordinal | TargetEncode | Hash | DateParts | Cyclic | Custom | Pass
    | Drop,
    Field(discriminator="do"),
    BeforeValidator(_named),
]  # fmt: skip
"""A transformation; one that needs no settings may be given by its name alone."""

KINDS: Final[dict[ColumnType, frozenset[Kind]]] = {
    ColumnType.INTEGER: frozenset({"number", "level"}),
    ColumnType.NUMBER: frozenset({"number", "level"}),
    ColumnType.BOOLEAN: frozenset({"number", "level"}),
    ColumnType.STRING: frozenset({"level"}),
    ColumnType.TIMESTAMP: frozenset({"time"}),
}
_TAKES: Final[dict[str, Kind]] = {
    "scale": "number", "clip": "number", "log": "number", "bin": "number", "one_hot": "level", "ordinal": "level",
    "target_encode": "level", "hash": "level", "date_parts": "time", "cyclic": "time",
}  # fmt: skip
_ALONE: Final = ("pass", "drop")
_RENAMING: Final = frozenset({"one_hot", "target_encode", "hash", "date_parts", "cyclic", "custom", "drop"})
_NUMBERS: Final[frozenset[Kind]] = frozenset({"number", "level"})
_WORDS: Final[dict[Kind, str]] = {"number": "numbers", "level": "texts, numbers or booleans", "time": "timestamps"}


class Rule(Section):
    """What is made of some columns, step after step."""

    columns: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_listed)]
    steps: tuple[Step, ...] = Field(min_length=1)
    suffix: str = Field(default="", pattern=r"^[A-Za-z0-9_]*$")
    """Put behind the names of what is made, so that two rules may use one column."""

    def mistakes(self, columns: Mapping[str, Column]) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Place and message of every step that does not fit what it is given."""
        kinds = frozenset.intersection(*(KINDS[columns[name].type] for name in self.columns))
        if not kinds and len(self.columns) > 1 and self.steps[0].do not in (*_ALONE, "custom"):
            yield ("columns",), "are of types that no one transformation takes: give each its own rule"
            return
        for place, step in enumerate(self.steps):
            wrong = _misfit(step, place, len(self.steps), kinds)
            if wrong:
                yield ("steps", place), wrong
                return
            kinds = kinds if step.do == "impute" else _NUMBERS


def _misfit(step: Any, place: int, steps: int, kinds: frozenset[Kind]) -> str | None:
    if step.do in _ALONE and steps > 1:
        return f"{step.do} stands alone"
    if step.do == "custom" and place:
        return "custom comes first: it is given the columns as they are"
    if step.do == "impute":
        return _misfit_of_impute(step, kinds)
    takes = _TAKES.get(step.do)
    if takes and takes not in kinds:
        return f"{step.do} is for {_WORDS[takes]}"
    return None


def _misfit_of_impute(step: Impute, kinds: frozenset[Kind]) -> str | None:
    if kinds == {"time"}:
        return "impute is for numbers and levels"
    if "number" not in kinds and (step.by in ("mean", "median") or isinstance(step.value, float | int)):
        return "a text has neither mean nor median: impute by most_frequent, or by a constant text"
    if "number" in kinds and isinstance(step.value, str):
        return "a number cannot be imputed by a text"
    return None


class FeaturesSpec(Section):
    """Transformations that are fitted on the training rows, kept with the model, and run again at serving."""

    version: int = Field(default=1, ge=1)
    """The author's own count of changes; the digest of the definition is what the records go by."""
    rules: tuple[Rule, ...] = ()
    others: Literal["pass", "drop"] = "pass"
    """What becomes of features that no rule names."""
    store: bool = False
    """Accepted rows are written to a SageMaker feature group, as they are before any rule."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.rules and not self.store:
            mistakes([(("rules",), "give at least one rule, or store: true")])
        return self

    def mistakes(
        self, columns: Mapping[str, Column], usable: frozenset[str]
    ) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Place and message of all that does not fit the columns; ``usable`` are the features and the event time."""
        for place, rule in enumerate(self.rules):
            unknown = [name for name in rule.columns if name not in usable]
            if unknown:
                why = (
                    "is no feature"
                    if unknown[0] in columns
                    else f"is not under data.columns{nearest(unknown[0], usable)}"
                )
                yield ("rules", place, "columns"), f"'{unknown[0]}' {why}"
                continue
            for where, message in rule.mistakes(columns):
                yield ("rules", place, *where), message
        yield from self._made_twice()

    def _made_twice(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Rules that keep the name of a column which another has kept; other names are only known after fitting."""
        kept: set[str] = set()
        for place, rule in enumerate(self.rules):
            if {step.do for step in rule.steps} & _RENAMING:
                continue
            for name in rule.columns:
                if f"{name}{rule.suffix}" in kept:
                    yield ("rules", place, "columns"), f"'{name}' is made by two rules: give one of them a suffix"
                kept.add(f"{name}{rule.suffix}")

    @property
    def reads(self) -> frozenset[str]:
        """Columns that rules name."""
        return frozenset(name for rule in self.rules for name in rule.columns)
