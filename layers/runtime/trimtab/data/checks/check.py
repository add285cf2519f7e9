"""What every check offers that needs more than one value to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.coerce import Rows
from trimtab.data.state_file import Tree
from trimtab.data.violation import Violation


class HasColumn(Protocol):
    """A batch of one column in its contract's type; text may be a dictionary."""

    @property
    def column(self) -> pa.Array:
        """The values."""
        ...


class Check(Protocol):
    """Watches all rows of a file; the check of two files after each other is the merge of their checks.

    What it keeps can be written to a file, so that the files of a drop may be looked at in different places.
    """

    columns: tuple[str, ...]
    """It is fed chunks that have all of these; a file that lacks one is not looked at."""

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """The next chunk's rows, as indices into it, that by themselves break the contract."""
        ...

    def merge(self, other: Self, rows_before: int) -> None:
        """The rows of ``other`` too, which come after ``rows_before`` rows."""
        ...

    def state(self) -> Tree:
        """What it has kept, for a file (see `trimtab.data.state_file`)."""
        ...

    def take(self, state: Tree) -> None:
        """It has kept only what ``state`` of a check of the same contract gave."""
        ...

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """What was found among ``rows`` rows; ``tolerated`` says that so few broken rows only warn."""
        ...


def texts(column: pa.Array) -> pa.Array:
    """The column without dictionaries."""
    return af.decoded(column)


def as_numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """Numbers, integers and booleans as float64, NaN where missing."""
    if pa.types.is_boolean(column.type):
        column = af.cast(column, pa.int8())
    return np.asarray(af.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False))
