"""What is wrong with a file's column names: missing (perhaps renamed), repeated, not in the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trimtab.data.contract import Contract
from trimtab.data.violation import Severity, Violation, shown

if TYPE_CHECKING:
    from trimtab.spec import Column

LISTED = 20
"""Column names that one message lists at most."""


def check_structure(contract: Contract, names: Sequence[str]) -> list[Violation]:
    """Findings about the names; the order of columns is none."""
    extra = [name for name in dict.fromkeys(names) if name not in contract.columns]
    missing = [name for name in contract.columns if name not in names and name not in contract.optional]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    return [
        *(_missing(name, extra, contract.columns[name]) for name in missing),
        *(_repeated(name, names.count(name), contract) for name in repeated),
        *_extra(extra, contract),
    ]


def nearest_name(name: str, candidates: Sequence[str]) -> str | None:
    """The candidate most like ``name``, letter case and separators aside; None when none is much like it."""
    by_plain = {_plain(candidate): candidate for candidate in candidates}
    from difflib import get_close_matches  # only for columns that are missing

    found = get_close_matches(_plain(name), list(by_plain), n=1, cutoff=0.75)
    return by_plain[found[0]] if found else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _missing(name: str, extra: Sequence[str], column: Column) -> Violation:
    """A column that the model ignores is missed, but not enough to refuse the file."""
    nearest = nearest_name(name, extra)
    rule = "renamed_column" if nearest else "missing_column"
    hint = f"; the file has '{shown(nearest)}', which is not in the contract: was it renamed?" if nearest else ""
    message = f"the column '{name}' is missing{hint}"
    severity = Severity.WARN if column.role == "ignore" else Severity.REFUSE
    return Violation(rule, name, message, severity, measured=nearest and shown(nearest), limit=name)


def _repeated(name: str, count: int, contract: Contract) -> Violation:
    severity = Severity.REFUSE if name in contract.columns else Severity.WARN
    message = f"the file has {count} columns called '{shown(name)}': which one is meant?"
    return Violation("repeated_column", shown(name), message, severity, measured=count, limit=1, count=count)


def _extra(names: Sequence[str], contract: Contract) -> Iterator[Violation]:
    attention = contract.quality.extra_columns
    if not names or not contract.closed or attention == "off":
        return
    listed = ", ".join(f"'{shown(name)}'" for name in names[:LISTED]) + (", …" if len(names) > LISTED else "")
    message = f"{len(names)} columns are not in the contract and are not read: {listed}"
    values = tuple(shown(name) for name in names[:10])
    yield Violation("extra_column", None, message, Severity(attention), len(names), 0, len(names), values=values)
