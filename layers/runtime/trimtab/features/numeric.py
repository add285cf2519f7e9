"""Transformations of numbers, a whole block of columns at a time."""

import numpy as np
from numpy.typing import NDArray

from trimtab.features.block import Block, Floats
from trimtab.features.levels import counted
from trimtab.features.step import FeatureError, Json, Options, Step
from trimtab.features.training import Training

Missing = NDArray[np.bool_]


class Impute(Step):
    """What is missing becomes the training rows' mean, median or most frequent value, or a constant."""

    name = "impute"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        texts = any(isinstance(value, str) for value in state["values"])
        self._fill = None if texts else np.array(state["values"], dtype=np.float64)

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        if options["by"] == "constant":
            return {"values": [options["value"]] * len(block.names)}
        if options["by"] == "most_frequent":
            named = zip(block.levels(), block.names, strict=True)
            return {"values": [_most_frequent(column, name) for column, name in named]}
        find = np.nanmean if options["by"] == "mean" else np.nanmedian
        return {"values": find(_known(block), axis=0).tolist()}

    def apply(self, block: Block) -> Block:
        filled, missing = self._texts(block) if self._fill is None else self._numbers(block, self._fill)
        if not self.options["indicator"]:
            return filled
        names = tuple(f"{name}_missing" for name in block.names)
        return filled.with_finished(Block(names, matrix=missing.astype(np.float64)))

    def _numbers(self, block: Block, fill: Floats) -> tuple[Block, Missing]:
        matrix = block.numbers()
        missing = np.isnan(matrix)
        return block.with_numbers(np.where(missing, fill, matrix)), missing

    def _texts(self, block: Block) -> tuple[Block, Missing]:
        levels = block.levels()
        missing = np.array([[value is None for value in values] for values in levels], dtype=bool).T
        filled = []
        for values, fill in zip(levels, self.state["values"], strict=True):
            column = np.empty(len(values), dtype=object)
            column[:] = [fill if value is None else value for value in values]
            filled.append(column)
        return Block(block.names, tuple(filled), finished=block.finished), missing


def _most_frequent(values: list[object], name: str) -> object:
    """The most frequent value, and of several the first in order."""
    counts = counted(values)
    counts.pop(None, None)
    if not counts:
        raise FeatureError(_empty(name))
    return next(iter(counts))


def _known(block: Block) -> Floats:
    """The numbers of a block of which every column has at least one."""
    matrix = block.numbers()
    empty = np.isnan(matrix).all(axis=0)
    if empty.any():
        raise FeatureError(_empty(block.names[int(np.argmax(empty))]))
    return matrix


def _empty(name: str) -> str:
    return f"'{name}' has no value in any training row: impute it by a constant, or leave it out with 'drop'"


class Scale(Step):
    """Numbers less their centre, divided by their spread; a column of one value only becomes 0."""

    name = "scale"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._centre, self._spread = np.array(state["centre"]), np.array(state["spread"])

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        centre, spread = _CENTRES[options["by"]](_known(block))
        return {"centre": centre.tolist(), "spread": np.where(spread > 0, spread, 1.0).tolist()}

    def apply(self, block: Block) -> Block:
        return block.with_numbers((block.numbers() - self._centre) / self._spread)


def _standard(matrix: Floats) -> tuple[Floats, Floats]:
    return np.nanmean(matrix, axis=0), np.nanstd(matrix, axis=0)


def _robust(matrix: Floats) -> tuple[Floats, Floats]:
    low, middle, high = np.nanquantile(matrix, (0.25, 0.5, 0.75), axis=0)
    return middle, high - low


def _minmax(matrix: Floats) -> tuple[Floats, Floats]:
    low = np.nanmin(matrix, axis=0)
    return low, np.nanmax(matrix, axis=0) - low


_CENTRES = {"standard": _standard, "robust": _robust, "minmax": _minmax}


class Clip(Step):
    """Numbers within limits that are given, or are quantiles of the training rows."""

    name = "clip"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._low = None if state["low"] is None else np.array(state["low"])
        self._high = None if state["high"] is None else np.array(state["high"])

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        if options["quantiles"] is None:
            return {"low": options["low"], "high": options["high"]}
        low, high = np.nanquantile(_known(block), options["quantiles"], axis=0)
        return {"low": low.tolist(), "high": high.tolist()}

    def apply(self, block: Block) -> Block:
        return block.with_numbers(np.clip(block.numbers(), self._low, self._high))


class Log(Step):
    """Natural logarithms; outside their domain, NaN."""

    name = "log"

    def apply(self, block: Block) -> Block:
        return block.with_numbers(_LOGARITHMS[self.options["by"]](block.numbers()))


def _log(matrix: Floats) -> Floats:
    return np.log(np.where(matrix > 0, matrix, np.nan))


def _log1p(matrix: Floats) -> Floats:
    return np.log1p(np.where(matrix > -1, matrix, np.nan))


def _signed(matrix: Floats) -> Floats:
    return np.copysign(np.log1p(np.abs(matrix)), matrix)


_LOGARITHMS = {"log": _log, "log1p": _log1p, "signed": _signed}


class Bin(Step):
    """The number of the bin, from 0; a value at an edge lies in the bin above it."""

    name = "bin"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._edges = [np.array(edges, dtype=np.float64) for edges in state["edges"]]

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        if options["edges"] is not None:
            return {"edges": [list(options["edges"])] * len(block.names)}
        inner = np.linspace(0, 1, options["quantiles"] + 1)[1:-1]
        found = np.nanquantile(_known(block), inner, axis=0)
        return {"edges": [np.unique(found[:, place]).tolist() for place in range(len(block.names))]}

    def apply(self, block: Block) -> Block:
        matrix = block.numbers()
        binned = np.empty_like(matrix)
        for place, edges in enumerate(self._edges):
            binned[:, place] = np.searchsorted(edges, matrix[:, place], side="right")
        return block.with_numbers(np.where(np.isnan(matrix), np.nan, binned))
