"""How a file was read: what was detected, and which of it is worth a warning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from trimtab.data.violation import Severity, Violation

if TYPE_CHECKING:
    from trimtab.spec import TextOptions

UTF_8: Final = "utf-8"
WINDOWS: Final = "windows-1252"
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Declared:
    """How CSV files are written as far as somebody said so; the same fields as the spec's ``TextOptions``."""

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None


UNDECLARED: Final = Declared()


@dataclass(frozen=True)
class TextForm:
    """The bytes of a text file: how they are packed and which characters they stand for."""

    compression: str | None = None
    """gzip or zstd."""
    encoding: str = UTF_8
    byte_order_mark: bool = False

    def findings(self, declared: str | None) -> Iterator[Violation]:
        """A warning for an encoding that is not UTF-8 and that the spec does not name."""
        if self.encoding in (UTF_8, declared) or (declared and self.encoding.startswith(declared)):
            return
        how = "its marks say so" if self.encoding != WINDOWS else "no byte says which encoding it is: this is a guess"
        message = f"the file is not UTF-8 and was read as {self.encoding}; {how}. Save it as UTF-8, or name it (CSV)"
        yield Violation("encoding", None, message, Severity.WARN, self.encoding, UTF_8)


@dataclass(frozen=True)
class Dialect:
    """How a CSV file separates, quotes and writes numbers."""

    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."

    def findings(self, declared: Declared | TextOptions) -> Iterator[Violation]:
        """A warning for each part that is neither usual nor named by the spec."""
        for part, usual in asdict(Dialect()).items():
            found = getattr(self, part)
            if found not in (usual, getattr(declared, part)):
                yield Violation("dialect", None, _dialect_message(part, found), Severity.WARN, found, usual)


def _dialect_message(part: str, found: str) -> str:
    told = {
        "delimiter": f"the cells are separated by {_SEPARATORS[found]}" if found in _SEPARATORS else "",
        "quote": "cells are quoted with apostrophes",
        "decimal": "numbers have a decimal comma",
    }
    return f"{told[part]}; the file was read so. Name it under data.csv.{part} if it shall stay"


@dataclass(frozen=True)
class Reading:
    """What a reader found out about a file before its first row."""

    format: str
    form: TextForm | None = None
    """None for Parquet."""
    dialect: Dialect | None = None
    """None for anything but CSV."""
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        form = asdict(self.form) if self.form else {}
        dialect = asdict(self.dialect) if self.dialect else {}
        return {"format": self.format} | form | dialect

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """The reading whose facts ``to_json`` gave."""
        form = TextForm(**{name: facts[name] for name in asdict(TextForm())}) if "encoding" in facts else None
        dialect = Dialect(**{name: facts[name] for name in asdict(Dialect())}) if "delimiter" in facts else None
        return cls(facts["format"], form, dialect)
