"""What the contract says of one column, and which of its rules fit which type."""

import re
from typing import Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from trimtab.column_types import ColumnType
from trimtab.spec.base import Section, mistakes

ColumnRule = Literal[
    "type", "not_null", "finite", "range", "domain", "pattern", "unique", "missing_share", "monotonic", "references",
    "event_window", "freshness",
]  # fmt: skip
NUMERIC: Final = frozenset({ColumnType.INTEGER, ColumnType.NUMBER})
_FITS: Final[dict[str, frozenset[ColumnType]]] = {
    "range": NUMERIC,
    "pattern": frozenset({ColumnType.STRING}),
    "monotonic": NUMERIC | {ColumnType.TIMESTAMP},
    "references": frozenset({ColumnType.INTEGER, ColumnType.STRING}),
    "domain": frozenset(ColumnType) - {ColumnType.TIMESTAMP},
}
_ONLY_BACKTRACKING: Final = re.compile(r"\(\?(?:=|!|<=|<!|>|\()|\\[1-9]|\(\?P=")
"""Look-around, back-references and the like, which RE2 does not know."""


class Column(Section):
    """One column of the contract."""

    model_config = ConfigDict(allow_inf_nan=True)  # a range may be open at one end

    type: ColumnType
    role: Literal["feature", "key", "ignore", "protected"] = "feature"
    """A key is carried along but never learned from; a protected one tells the bias gate its groups, and no model sees
    it; the id, event time and label have their role by name."""
    nullable: bool = False
    max_missing_share: float | None = Field(default=None, ge=0, le=1)
    """Largest share of missing values of this nullable column, in place of the one under quality."""
    range: tuple[float, float] | None = None
    """Smallest and largest value allowed, both inclusive."""
    domain: tuple[str | int | bool, ...] | None = Field(default=None, min_length=1)
    """Values allowed."""
    pattern: str | None = None
    """Regular expression (RE2) that every value must match in full."""
    unit: str | None = None
    unique: bool = False
    """No value stands in two rows of a drop."""
    monotonic: Literal["increasing", "strictly_increasing"] | None = None
    """In the order of the rows no value is smaller (or equal, when strictly) than one before it."""
    references: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")
    """Data set whose stored keys must hold every value."""
    personal: bool = False
    """Known to hold personal data, so that their shape is not worth a warning."""
    warn: tuple[ColumnRule, ...] = ()
    """Rules of this column that warn and never refuse."""

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.range is not None and not self.range[0] <= self.range[1]:  # NaN is in no order
            raise ValueError(f"range starts at {self.range[0]:g} and ends at {self.range[1]:g}: swap them")
        return self

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> Self:
        wrong = [name for name, types in _FITS.items() if getattr(self, name) is not None and self.type not in types]
        mistakes(((name,), _misfit(name, self.type)) for name in wrong)
        return self

    @model_validator(mode="after")
    def _pattern_is_a_pattern(self) -> Self:
        if self.pattern is not None:
            mistakes((("pattern",), wrong) for wrong in _pattern_mistakes(self.pattern))
        return self


def _misfit(rule: str, found: ColumnType) -> str:
    return f"{rule} is for columns of type {' or '.join(sorted(_FITS[rule]))}, and this one is a {found}"


def _pattern_mistakes(pattern: str) -> list[str]:
    """What keeps the pattern from being RE2; what slips through here is found when it is first used."""
    if _ONLY_BACKTRACKING.search(pattern):
        return ["look-around and back-references are not part of RE2, the language of patterns here"]
    try:
        re.compile(pattern)
    except re.error as error:
        return [f"is no regular expression: {error}"]
    return []
