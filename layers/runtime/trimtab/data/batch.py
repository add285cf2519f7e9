"""One column of one batch, with what rules, uniqueness and profile all need from it worked out at most once."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.hashing import Integers, Words, spread, text_fingerprints
from trimtab.data.kernel import kernel
from trimtab.data.kernel.arrays import presence

_WORD_BYTES = 8
FALSE_AND_TRUE = pa.array(["false", "true"])


class ColumnBatch:
    """Some rows of one column in its contract's Arrow type."""

    def __init__(self, column: pa.Array) -> None:
        if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
            column = af.decoded(column)  # so that only the rows say what is missing
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    def bare(self) -> "ColumnBatch":
        """The same rows with nothing worked out, whose memory the next column can have."""
        return ColumnBatch(self.column)

    @cached_property
    def missing(self) -> int:
        """Rows without a value; NaN is a value here."""
        return int(self.column.null_count)

    @cached_property
    def present(self) -> npt.NDArray[Any]:
        """The values that are there, in the order of the rows; instants as int64. Only for numbers and instants."""
        values = numbers_of(without_gaps(self.column))
        if not self.missing:
            return values
        if values.itemsize != _WORD_BYTES:
            return values[self.valid]
        bits, first = presence_bits(self.column)
        return values if bits is None else kernel().gather(values, bits, first)

    @cached_property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a value."""
        bits, first = presence_bits(self.column)
        return np.full(len(self), not self.missing) if bits is None else presence(bits, first, len(self))

    @cached_property
    def extremes(self) -> tuple[Any, Any] | None:
        """Smallest and largest of the numbers or instants; both NaN when there is one among them; None of none."""
        if not len(self.present):
            return None
        if self.present.dtype == np.float64:
            return kernel().extremes(self.present)
        return self.present.min(), self.present.max()

    @cached_property
    def levels(self) -> tuple[pa.Array, Integers]:
        """Texts, and how many rows have each (perhaps none); numbers as they are written."""
        if pa.types.is_boolean(self.column.type):
            true = int(self.column.true_count)
            return FALSE_AND_TRUE, np.array([len(self) - self.missing - true, true])
        if not is_text(self.column.type):
            values, counts = _counted(self.present)
            return pa.array([str(value) for value in values.tolist()], pa.string()), counts
        coded = self.column if pa.types.is_dictionary(self.column.type) else af.call("dictionary_encode", self.column)
        return coded.dictionary, self._codes[0] if coded is self.column else counted_codes(coded)[0]

    @cached_property
    def _codes(self) -> tuple[Integers, int]:
        return counted_codes(self.column)

    @property
    def foreign_codes(self) -> int:
        """Rows whose code stands for nothing in their dictionary."""
        return self._codes[1]

    @cached_property
    def fingerprints(self) -> tuple[Words, Words]:
        """Two hashes of every text that is there. Only for text."""
        texts = af.drop_null(self.column) if self.missing else self.column
        if not pa.types.is_dictionary(texts.type):
            return text_fingerprints(texts)
        codes = numbers_of(texts.indices)
        first, second = text_fingerprints(texts.dictionary)
        return first[codes], second[codes]

    @cached_property
    def hashes(self) -> Words:
        """A hash of every value that is there."""
        return self.fingerprints[0] if is_text(self.column.type) else spread(self.words)

    @property
    def words(self) -> Words:
        """Every number, instant or boolean that is there as 64 bits; equal values have equal bits."""
        if pa.types.is_boolean(self.column.type):
            return numbers_of(af.cast(af.drop_null(self.column), pa.int64())).view(np.uint64)
        if pa.types.is_floating(self.column.type):
            return np.asarray(self.present.astype(np.float64) + 0.0).view(np.uint64)
        return self.present.astype(np.int64).view(np.uint64)


def presence_bits(column: pa.Array) -> tuple[npt.NDArray[np.uint8] | None, int]:
    """Arrow's bits that say which rows have a value, None where all have one, and which bit is the first row's."""
    bits = column.buffers()[0] if column.null_count else None
    return None if bits is None else np.frombuffer(bits, np.uint8), column.offset


def counted_codes(coded: pa.DictionaryArray) -> tuple[Integers, int]:
    """How many rows have each of the dictionary's texts, and how many have a code that stands for none."""
    codes = coded.indices if coded.indices.type == pa.int32() else af.cast(coded.indices, pa.int32())
    counts = np.zeros(len(coded.dictionary), np.int64)
    return counts, kernel().add_codes(counts, without_gaps(codes).to_numpy(), *presence_bits(codes))


def is_text(held: pa.DataType) -> bool:
    """Whether a type holds texts, coded or not."""
    if pa.types.is_dictionary(held):
        held = held.value_type
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))


def _counted(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Integers]:
    """The different numbers, rising, and how often each occurs."""
    if values.dtype.kind not in "iu" or not len(values):
        return sorted_counts(values)
    low, high = int(values.min()), int(values.max())
    if high - low > len(values):
        return sorted_counts(values)
    counts = np.bincount(values - low, minlength=high - low + 1)
    places = np.flatnonzero(counts)
    return places + low, counts[places]


def sorted_counts(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Integers]:
    """The different numbers, rising, and how often each occurs; np.unique would import numpy.ma, at 50 ms."""
    ordered = np.sort(values, axis=None)
    starts = np.flatnonzero(np.concatenate([[len(ordered) > 0], ordered[1:] != ordered[:-1]])[: len(ordered)])
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def arrow_integers(values: Integers) -> pa.Array:
    """The integers as Arrow's; pa.array would import numpy.ma, and pandas where it is installed."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values, np.int64))])


def without_gaps(column: pa.Array) -> pa.Array:
    """The column of numbers or instants with whatever stands in its memory where a value is missing."""
    if not column.null_count:
        return column
    return pa.Array.from_buffers(column.type, len(column), [None, column.buffers()[1]], offset=column.offset)


def numbers_of(column: pa.Array) -> npt.NDArray[Any]:
    """The numbers or instants of a column without missing ones as a view of its memory."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    return np.asarray(column.to_numpy(zero_copy_only=True))
