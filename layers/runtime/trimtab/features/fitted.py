"""Fitted transformations: what features.json in a model's folder holds, and what it does to rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trimtab.features.author import Author
from trimtab.features.block import Block, Columns
from trimtab.features.step import FeatureError, Json, Step
from trimtab.features.steps import DROP, PASS, STEPS, resolved

if TYPE_CHECKING:
    import pandas as pd

FEATURES_FILE = "features.json"
SCHEMA = 1
NUMERIC = frozenset({"integer", "number", "boolean"})


@dataclass(frozen=True)
class FittedRule:
    """The steps of a rule, ready to run."""

    columns: tuple[str, ...]
    steps: tuple[Step, ...]
    suffix: str

    def apply(self, columns: Columns) -> list[Block]:
        block = Block.of(columns, self.columns)
        for step in self.steps:
            block = step.apply(block)
        return flat(block)


def flat(block: Block) -> list[Block]:
    """The block and what had been set aside on its way."""
    return [Block(block.names, block.raw, block.matrix), *block.finished]


def passed(columns: Columns, names: Sequence[str], types: Mapping[str, str]) -> list[Block]:
    """The columns as they came, numbers and booleans as floating-point numbers, in order."""
    found = []
    for name in names:
        block = Block.of(columns, [name])
        found.append(block.with_numbers(block.numbers()) if types[name] in NUMERIC else block)
    return found


def assemble(blocks: Iterable[Block], names: "pd.Index[Any]") -> "pd.DataFrame":
    """One table of all columns; numbers are float64, texts objects."""
    import pandas as pd

    parts = list(blocks)
    if all(block.matrix is not None for block in parts):
        matrices = [block.matrix for block in parts if block.matrix is not None]
        whole = matrices[0] if len(matrices) == 1 else np.hstack(matrices)
        return pd.DataFrame(whole, columns=names, copy=False)
    columns: list[Any] = []
    for block in parts:
        if block.matrix is not None:
            columns.extend(block.matrix[:, place] for place in range(len(block.names)))
        else:
            columns.extend(pd.Series(each, dtype=each.dtype) for each in block.raw)
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def index_of(names: Sequence[str]) -> "pd.Index[Any]":
    """The names as pandas keeps them, of one type in all of its versions."""
    import pandas as pd

    return pd.Index(list(names), dtype="object")


@dataclass(frozen=True)
class FittedFeatures:
    """All rules of a model, fitted. The same document gives the same numbers wherever it is read."""

    document: Json
    """What features.json holds."""
    rules: tuple[FittedRule, ...]

    @classmethod
    def of_document(cls, document: Json, author: Author) -> "FittedFeatures":
        """Raises FeatureError when the document is of another schema or asks for what features.py does not define."""
        if document.get("schema") != SCHEMA:
            raise FeatureError(f"features.json has schema {document.get('schema')}; this library reads {SCHEMA}")
        if document["author_sha256"] not in (None, author.sha256):
            raise FeatureError("features.py is not the one that the model was trained with")
        return cls(document, tuple(_rule(rule, author) for rule in document["rules"]))

    @classmethod
    def read(cls, folder: Path) -> "FittedFeatures | None":
        """The transformations of a model's folder, the author's own from its code; None for a model without."""
        path = folder / FEATURES_FILE
        if not path.exists():
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
        has_custom = document.get("author_sha256") is not None
        return cls.of_document(document, Author.of_folder(folder / "code") if has_custom else Author())

    def write(self, folder: Path) -> None:
        text = json.dumps(self.document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        (folder / FEATURES_FILE).write_text(text + "\n", encoding="utf-8")

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the definition: what model.yaml declares, and features.py where that is used."""
        return str(self.document["digest"])

    @property
    def names(self) -> list[str]:
        """Columns that the model sees, in order."""
        return list(self.document["outputs"])

    @cached_property
    def _index(self) -> "pd.Index[Any]":
        return index_of(self.document["outputs"])

    @cached_property
    def _others(self) -> list[str]:
        return list(self.document["others"])

    @cached_property
    def _types(self) -> dict[str, str]:
        return {each["name"]: each["type"] for each in self.document["inputs"]}

    def transform(self, columns: Columns) -> "pd.DataFrame":
        """What the model sees of any rows; ``columns`` are a mapping of arrays, or a DataFrame."""
        return assemble(self._blocks(columns), self._index)

    def arrays(self, columns: Columns) -> dict[str, Any]:
        """The same by name, for whoever needs no table: shape (rows,), float64, or as it came for what is passed on."""
        made: list[Any] = []
        for block in self._blocks(columns):
            made.extend(block.raw if block.matrix is None else block.matrix.T)
        return dict(zip(self.document["outputs"], made, strict=True))

    def _blocks(self, columns: Columns) -> Iterable[Block]:
        for rule in self.rules:
            if rule.steps:
                yield from rule.apply(columns)
            else:
                yield from passed(columns, rule.columns, self._types)
        yield from passed(columns, self._others, self._types)


def _rule(rule: Json, author: Author) -> FittedRule:
    """A rule that only passes columns on has no steps; one that drops them is not in the document."""
    steps = [STEPS[each["do"]](resolved(each["options"], author), each["state"]) for each in rule["steps"]]
    return FittedRule(tuple(rule["columns"]), tuple(steps), rule["suffix"])


def passes(rule: Mapping[str, Any]) -> bool:
    return bool(rule["steps"][0]["do"] == PASS)


def drops(rule: Mapping[str, Any]) -> bool:
    return bool(rule["steps"][0]["do"] == DROP)
