"""A tree of JSON values and numpy arrays as one file, whose arrays are read where they lie.

Layout: eight bytes of mark; the arrays one after the other, each from a multiple of eight bytes on; as JSON, the tree
without its arrays and a list of their places in it; the length of that in eight bytes. Nothing in such a file is ever
executed, so one that somebody has tampered with can only be wrong.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from trimtab.errors import DataError

MARK: Final = b"trimtab1"
_WORD: Final = 8
_DTYPES: Final = frozenset(("<u8", "<i8", "|u1"))

Tree = Any
"""JSON values, and arrays of uint64, int64 or uint8 anywhere among them."""


def write_state(path: Path, tree: Tree) -> None:
    """The file at ``path`` holds the tree."""
    with path.open("wb") as target:
        target.write(MARK)
        arrays: list[list[Any]] = []
        bare = _stored(tree, target, (), arrays)
        document = json.dumps({"tree": bare, "arrays": arrays}, separators=(",", ":")).encode()
        target.write(document)
        target.write(len(document).to_bytes(_WORD, "little"))


def read_state(path: Path) -> Tree:
    """The tree in a file; its arrays are mapped, not copied, and cannot be written. Raises DataError."""
    whole = np.memmap(path, np.uint8, "r") if path.stat().st_size > 2 * _WORD else np.zeros(0, np.uint8)
    length = int.from_bytes(whole[-_WORD:].tobytes(), "little")
    if whole[:_WORD].tobytes() != MARK or length > len(whole) - 2 * _WORD:
        raise DataError("a partial result is no file of this version: drop the file again")
    document = json.loads(whole[-_WORD - length : -_WORD].tobytes())
    for (*above, last), offset, dtype, shape in document["arrays"]:
        holder = document["tree"]
        for step in above:
            holder = holder[step]
        size = math.prod(shape) * np.dtype(dtype).itemsize
        holder[last] = whole[offset : offset + size].view(np.dtype(dtype)).reshape(shape)
    return document["tree"]


def _stored(tree: Tree, target: BinaryIO, place: tuple[str | int, ...], arrays: list[list[Any]]) -> Tree:
    """The tree without its arrays, which are written; ``arrays`` says where each was and where it is."""
    if isinstance(tree, np.ndarray):
        arrays.append([place, *_appended(tree, target)])
        return None
    if isinstance(tree, dict):
        return {name: _stored(value, target, (*place, name), arrays) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_stored(value, target, (*place, index), arrays) for index, value in enumerate(tree)]
    return tree


def _appended(array: npt.NDArray[Any], target: BinaryIO) -> list[Any]:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    if little.dtype.str not in _DTYPES:
        raise TypeError(f"arrays of {array.dtype} are not stored")
    offset = target.tell()
    target.write(little.reshape(-1).view(np.uint8).data)
    target.write(bytes(-target.tell() % _WORD))
    return [offset, little.dtype.str, list(little.shape)]
