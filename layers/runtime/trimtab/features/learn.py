"""Transformations learned from the training rows."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trimtab.features.author import Author
from trimtab.features.block import Block, Columns
from trimtab.features.fitted import SCHEMA, FittedFeatures, assemble, drops, flat, index_of, passed, passes
from trimtab.features.step import FeatureError, Json
from trimtab.features.steps import STEPS, resolved
from trimtab.features.training import Training

if TYPE_CHECKING:
    import pandas as pd

Definition = Mapping[str, Any]
"""The features section of model.yaml, defaults included, as JSON values."""


def learn_features(
    definition: Definition, types: Mapping[str, str], columns: Columns, training: Training, author: Author
) -> "tuple[FittedFeatures, pd.DataFrame]":
    """The fitted transformations, and what the author's ``fit`` sees of the training rows.

    ``types`` are the contract's features in order. A target-encoded value in the table never comes from the row's own
    label, so the table differs there from what ``transform`` gives. Raises FeatureError that names rule and column.
    """
    learned, blocks = [], list[Block]()
    for place, rule in enumerate(definition["rules"]):
        if drops(rule):
            continue
        try:
            steps, made = _learn_rule(rule, types, columns, training, author)
        except FeatureError as error:
            raise FeatureError(f"features.rules[{place}]: {error}") from error
        learned.append({"columns": list(rule["columns"]), "suffix": rule["suffix"], "steps": steps})
        blocks += [_suffixed(block, rule["suffix"]) for block in made]
    others = _others(definition, types)
    blocks += passed(columns, others, types)
    names = [name for block in blocks for name in block.names]
    _check_names(names)
    document = _document(definition, types, author) | {"rules": learned, "others": others, "outputs": names}
    return FittedFeatures.of_document(_json(document), author), assemble(blocks, index_of(names))


def _learn_rule(
    rule: Definition, types: Mapping[str, str], columns: Columns, training: Training, author: Author
) -> tuple[list[Json], list[Block]]:
    if passes(rule):
        return [], passed(columns, rule["columns"], types)
    block, learned = Block.of(columns, rule["columns"]), []
    for options in rule["steps"]:
        step, settings = STEPS[options["do"]], resolved(options, author)
        state = step.learn(settings, block, training)
        block = step(settings, state).apply_to_training(block, training)
        learned.append({"do": options["do"], "options": dict(options), "state": state})
    return learned, flat(block)


def _suffixed(block: Block, suffix: str) -> Block:
    return Block(tuple(f"{name}{suffix}" for name in block.names), block.raw, block.matrix)


def _others(definition: Definition, types: Mapping[str, str]) -> list[str]:
    named = {name for rule in definition["rules"] for name in rule["columns"]}
    return [name for name in types if name not in named] if definition["others"] == "pass" else []


def _check_names(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise FeatureError(f"features makes the column '{twice[0]}' twice: give one of the rules a suffix")
    if not names:
        raise FeatureError("features leaves no column to learn from")


def _document(definition: Definition, types: Mapping[str, str], author: Author) -> Json:
    has_custom = any(step["do"] == "custom" for rule in definition["rules"] for step in rule["steps"])
    sha256 = author.sha256 if has_custom else None
    return {
        "schema": SCHEMA,
        "version": definition["version"],
        "digest": definition_digest(definition, sha256),
        "author_sha256": sha256,
        "inputs": [{"name": name, "type": type_} for name, type_ in types.items()],
    }


def definition_digest(definition: Definition, author_sha256: str | None) -> str:
    """Hex SHA-256 that names the definition: equal for what is declared equally, whatever it is fitted on."""
    said = {"schema": SCHEMA, "definition": definition, "author_sha256": author_sha256}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _json(document: Json) -> Json:
    """The document as it will be read from its file, so that training uses what serving will."""
    try:
        found: Json = json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise FeatureError(f"what a transformation learned is not JSON: {error}") from error
    return found
