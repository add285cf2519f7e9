"""Transformations of levels: texts, or numbers and booleans taken as names. What is missing is the level None."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.features.block import Block, Floats
from trimtab.features.step import Json, Options, Step
from trimtab.features.training import Training


def counted(values: Sequence[Any]) -> dict[Any, int]:
    """Rows of each level, the most frequent first and equally frequent ones in order."""
    counts = Counter(values)
    return {level: counts[level] for level in sorted(counts, key=lambda each: (-counts[each], rank(each)))}


def rank(level: Any) -> tuple[bool, float, str]:
    """An order of levels of any type: numbers first, then texts, what is missing last."""
    is_text = isinstance(level, str)
    return (is_text or level is None, 0.0 if is_text or level is None else float(level), level if is_text else "")


def label_of(level: Any) -> str:
    """A level as part of a column's name; XGBoost knows no brackets and no less-than sign there."""
    text = f"{level:g}" if isinstance(level, float) else str(level)
    return "".join(f"%{ord(sign):02x}" if sign in "[]<%" else sign for sign in text)


class OneHot(Step):
    """A column of 0 and 1 for each level kept; ``name=level``, and perhaps ``name=others`` and ``name=missing``.

    A level that is itself called ``others`` or ``missing`` is set in quotes.
    """

    name = "one_hot"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._places = [{level: place for place, level in enumerate(levels)} for levels in state["levels"]]
        self._others, self._missing = options["others"] == "column", options["missing"] == "column"
        self._made: list[str] | None = None

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        return {"levels": [_kept(values, options) for values in block.levels()]}

    def apply(self, block: Block) -> Block:
        parts = [self._one(values, places) for values, places in zip(block.levels(), self._places, strict=True)]
        if self._made is None:
            named = zip(block.names, self.state["levels"], strict=True)
            self._made = [column for name, levels in named for column in self._names(name, levels)]
        return block.with_numbers(parts[0] if len(parts) == 1 else np.hstack(parts), self._made)

    def _one(self, values: list[Any], places: dict[Any, int]) -> Floats:
        """One more column than is asked for takes what has none, and is cut off."""
        width = len(places)
        others = width if self._others else -1
        missing = width + self._others if self._missing else -1
        made = np.zeros((len(values), width + self._others + self._missing + 1), dtype=np.float64)
        found = [missing if value is None else places.get(value, others) for value in values]
        made[np.arange(len(values)), found] = 1.0
        return made[:, :-1]

    def _names(self, name: str, levels: list[Any]) -> list[str]:
        own = [f"{name}={_quoted(label_of(level))}" for level in levels]
        return [*own, *([f"{name}=others"] if self._others else []), *([f"{name}=missing"] if self._missing else [])]


def _quoted(label: str) -> str:
    return f"'{label}'" if label in ("others", "missing") else label


def _kept(values: list[Any], options: Options) -> list[Any]:
    """Levels that are frequent enough, in order."""
    counts = counted(values)
    counts.pop(None, None)
    least = max(options["min_count"], options["min_share"] * len(values))
    frequent = [level for level, count in counts.items() if count >= least]
    return sorted(frequent[: options["max_levels"]], key=rank)


class Ordinal(Step):
    """The level's place in the order of levels."""

    name = "ordinal"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._places: list[dict[Any, float]] = [
            {level: float(place) for place, level in enumerate(levels)} | {None: options["missing"]}
            for levels in state["levels"]
        ]

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        limits = {"min_count": options["min_count"], "min_share": 0.0, "max_levels": None}
        return {"levels": [_kept(values, limits) for values in block.levels()]}

    def apply(self, block: Block) -> Block:
        unseen = self.options["unseen"]
        made = np.empty((block.rows, len(block.names)), dtype=np.float64)
        for place, (values, places) in enumerate(zip(block.levels(), self._places, strict=True)):
            made[:, place] = [places.get(value, unseen) for value in values]
        return block.with_numbers(made)


class TargetEncode(Step):
    """The mean label of the level's training rows, drawn towards the mean of all; ``name~class`` for each class.

    With n rows of a level, their mean m, the mean of all g and smoothing s: (n m + s g) / (n + s), as in
    Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes" (2001), with s fixed.
    What is missing is a level; one not seen in training gets g.
    """

    name = "target_encode"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._places = [{level: place for place, level in enumerate(levels)} for levels in state["levels"]]
        self._values = [
            np.array([*values, state["prior"]], dtype=np.float64).reshape(-1, len(state["prior"]))
            for values in state["values"]
        ]

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        prior = training.targets.mean(axis=0)
        levels = [sorted([*counted(values)][: options["max_levels"]], key=rank) for values in block.levels()]
        places = [{level: place for place, level in enumerate(each)} for each in levels]
        codes = [_codes(values, each) for values, each in zip(block.levels(), places, strict=True)]
        values = [
            _means(code, training.targets, len(each), prior, options["smoothing"])[:-1].tolist()
            for code, each in zip(codes, levels, strict=True)
        ]
        return {"targets": list(training.names), "prior": prior.tolist(), "levels": levels, "values": values}

    def apply(self, block: Block) -> Block:
        named = zip(block.levels(), self._places, self._values, strict=True)
        return self._named(block, [values[_codes(levels, places)] for levels, places, values in named])

    def apply_to_training(self, block: Block, training: Training) -> Block:
        """Each row's value comes from the rows of the other folds only."""
        folds = training.folds(self.options["folds"], self.options["by"])
        named = zip(block.levels(), self._places, strict=True)
        return self._named(block, [self._out_of_fold(_codes(*each), len(each[1]), training, folds) for each in named])

    def _out_of_fold(self, codes: NDArray[np.intp], levels: int, training: Training, folds: NDArray[np.intp]) -> Floats:
        made = np.empty_like(training.targets)
        for fold in range(self.options["folds"]):
            held, others = folds == fold, folds != fold
            targets = training.targets[others]
            prior = targets.mean(axis=0) if len(targets) else np.array(self.state["prior"])
            made[held] = _means(codes[others], targets, levels, prior, self.options["smoothing"])[codes[held]]
        return made

    def _named(self, block: Block, parts: list[Floats]) -> Block:
        targets = self.state["targets"]
        names = [f"{name}~{label_of(each)}" if each else name for name in block.names for each in targets]
        return block.with_numbers(parts[0] if len(parts) == 1 else np.hstack(parts), names)


def _codes(values: list[Any], places: dict[Any, int]) -> NDArray[np.intp]:
    """Place of each level; one past the last for a level that has none."""
    unseen = len(places)
    return np.fromiter((places.get(value, unseen) for value in values), dtype=np.intp, count=len(values))


def _means(codes: NDArray[np.intp], targets: Floats, levels: int, prior: Floats, smoothing: float) -> Floats:
    """Shape (levels + 1, targets): smoothed means, the last row and levels without rows being the prior."""
    counts = np.bincount(codes, minlength=levels + 1).astype(np.float64)[:, None]
    sums = np.column_stack([np.bincount(codes, each, minlength=levels + 1) for each in targets.T])
    weight = np.where(counts > 0, counts + smoothing, 1.0)
    made = np.where(counts > 0, (sums + smoothing * prior) / weight, prior)
    made[levels] = prior
    return made
