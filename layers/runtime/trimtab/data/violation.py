"""What a rule found: the unit of every verdict."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

SHOWN = 10
"""Offending rows that a violation names."""
TEXT_LENGTH = 80
"""Characters of an offending value that are shown."""


class Severity(StrEnum):
    """What a violation does to its drop."""

    REFUSE = "refuse"
    WARN = "warn"


@dataclass(frozen=True)
class Violation:
    """One rule that one column (or the file as a whole) broke.

    ``rows`` and ``values`` are the first ten offending rows, counted from 1, and what stands there; ``files`` are their
    files where the drop has several, ``row_groups`` their row groups, from 0, in Parquet.
    """

    rule: str
    column: str | None
    message: str
    severity: Severity
    measured: float | str | None = None
    limit: float | str | None = None
    count: int = 1
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    row_groups: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The violation as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The violation that ``to_json`` wrote."""
        lists = {name: tuple(document.get(name, ())) for name in ("rows", "values", "files", "row_groups")}
        return cls(**{**document, **lists, "severity": Severity(document["severity"])})


def shown(value: object) -> str:
    """A value as a violation shows it: short, and printable wherever it goes."""
    text = str(value)[: TEXT_LENGTH + 1].encode("utf-8", "backslashreplace").decode()
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= TEXT_LENGTH else printable[: TEXT_LENGTH - 1] + "…"
