"""Arrow's functions under their own names, as `pyarrow.compute` has them.

Importing that module describes every function of Arrow to Python's help, at 35 ms of CPU, and so does the first use of
a method like ``Array.cast`` or ``Array.take``. What a drop is judged with is therefore called from here. Functions that
take only arrays and scalars need no line below: ``arrow_functions.less(column, 3)`` is Arrow's ``less``.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pyarrow as pa
from pyarrow import _compute  # what pyarrow.compute itself calls; the pinned version has it


def call(name: str, *arguments: Any, options: Any = None) -> Any:
    """What Arrow's function of that name gives for arrays and scalars."""
    return _compute.call_function(name, list(arguments), options)


def __getattr__(name: str) -> Callable[..., Any]:
    """Arrow's function of that name, without options. Raises AttributeError when there is none."""
    if name.startswith("_"):
        raise AttributeError(name)
    return _function(name)


@cache
def _function(name: str) -> Callable[..., Any]:
    try:
        _compute.get_function(name)
    except KeyError as error:
        raise AttributeError(f"Arrow has no function '{name}'") from error
    return partial(call, name)


def and_(left: Any, right: Any) -> Any:
    """Both."""
    return call("and", left, right)


def or_(left: Any, right: Any) -> Any:
    """Either."""
    return call("or", left, right)


def any_true(values: pa.Array) -> bool:
    """Whether a value is true."""
    return bool(call("any", values).as_py())


def cast(column: Any, held: pa.DataType, *, safe: bool = True) -> Any:
    """The column in another type. Raises ArrowInvalid where a value would change and ``safe`` asks for the same."""
    options = _compute.CastOptions.safe(held) if safe else _compute.CastOptions.unsafe(held)
    return call("cast", column, options=options)


def decoded(column: pa.Array) -> pa.Array:
    """The column without a dictionary."""
    return call("take", column.dictionary, column.indices) if pa.types.is_dictionary(column.type) else column


def filter(column: pa.Array, mask: pa.Array) -> pa.Array:
    """The rows where the mask is true."""
    return call("filter", column, mask, options=_compute.FilterOptions())


def is_in(values: pa.Array, value_set: pa.Array) -> pa.Array:
    """Whether each value is in the set; a missing one is if the set has a missing one."""
    return call("is_in", values, options=_compute.SetLookupOptions(value_set=value_set, skip_nulls=False))


def match_substring(texts: pa.Array, pattern: str, *, ignore_case: bool = False) -> pa.Array:
    """Whether each text contains the pattern."""
    return call("match_substring", texts, options=_compute.MatchSubstringOptions(pattern, ignore_case=ignore_case))


def match_substring_regex(texts: pa.Array, pattern: str) -> pa.Array:
    """Whether each text contains what the RE2 pattern describes. Raises ArrowInvalid when it is none."""
    return call("match_substring_regex", texts, options=_compute.MatchSubstringOptions(pattern))


def starts_with(texts: pa.Array, pattern: str) -> pa.Array:
    """Whether each text begins with the pattern."""
    return call("starts_with", texts, options=_compute.MatchSubstringOptions(pattern))


def ends_with(texts: pa.Array, pattern: str) -> pa.Array:
    """Whether each text ends with the pattern."""
    return call("ends_with", texts, options=_compute.MatchSubstringOptions(pattern))


def replace_substring(texts: pa.Array, pattern: str, replacement: str) -> pa.Array:
    """The texts with every occurrence of the pattern replaced."""
    return call("replace_substring", texts, options=_compute.ReplaceSubstringOptions(pattern, replacement))


def sort_indices(values: pa.Array) -> pa.Array:
    """Places of the values, rising."""
    return call("sort_indices", values, options=_compute.SortOptions(sort_keys=[("", "ascending")]))
