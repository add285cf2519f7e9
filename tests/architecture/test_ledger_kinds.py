"""One vocabulary of ledger entries: code, docs and tests mean the same by a kind."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.architecture.test_house import ROOT, tracked
from trimtab.ledger import kinds

VOCABULARY = Path(kinds.__file__)
PARTS = ("layers", "functions", "cli", "demo", "replay", "stacks")
FAMILIES = {kind.partition(".")[0] for kind in kinds.KINDS if "." in kind}
SAID = re.compile(rf"(?<![\w./#-])((?:{'|'.join(sorted(FAMILIES))})\.[a-z_]+)\b(?![./(])")
"""What reads as a kind. Paths of files and of modules, anchors and calls do not."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """All that is deployed, and what people run beside it."""
    for path in tracked("*.py"):
        name = str(path.relative_to(ROOT))
        if name.startswith(PARTS) and path != VOCABULARY:
            yield name, ast.parse(path.read_text())


def told() -> list[tuple[str, str]]:
    """Each kind with the sentence under it, in their order."""
    lines = ast.parse(VOCABULARY.read_text()).body
    return [
        (str(named.value.value), str(said.value.value))
        for named, said in pairwise(lines)
        if isinstance(named, ast.AnnAssign)
        and isinstance(named.value, ast.Constant)
        and isinstance(said, ast.Expr)
        and isinstance(said.value, ast.Constant)
    ]


def called(tree: ast.Module, method: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node


def written(tree: ast.Module) -> Iterator[ast.expr]:
    """The kind of each row that a module appends; a ledger's ``append`` is the one of five values."""
    for node in called(tree, "append"):
        if len(node.args) == 5:
            yield node.args[0]


def vocabulary_of(tree: ast.Module) -> set[str]:
    """Names that the module has of the vocabulary."""
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == kinds.__name__
        for alias in node.names
    }


def test_a_constant_is_named_as_its_kind_is() -> None:
    named = {value: name for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)}
    assert {kind: kind.replace(".", "_").upper() for kind in kinds.KINDS} == named


def test_every_kind_says_what_is_true_once_it_is_written() -> None:
    assert {kind for kind, _ in told()} == kinds.KINDS


def test_no_module_has_a_word_of_its_own_for_a_kind() -> None:
    assert not [
        f"{name}:{node.lineno} {node.value}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in kinds.KINDS
    ]


def test_every_kind_that_is_written_is_of_the_vocabulary() -> None:
    """A name in small letters is a choice among them, which the ledger of the unit tests looks at."""
    found = [(name, kind, vocabulary_of(tree)) for name, tree in sources() for kind in written(tree)]
    assert len(found) > 40
    assert not [
        f"{name}:{kind.lineno}"
        for name, kind, known in found
        if not isinstance(kind, ast.Name) or (kind.id.isupper() and kind.id not in known)
    ]


def test_rows_are_asked_for_by_the_beginnings_of_kinds() -> None:
    asked = {
        node.args[0].value
        for _, tree in sources()
        for node in called(tree, "entries")
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert "retrain." in asked
    assert not [begin for begin in asked if not any(kind.startswith(begin) for kind in kinds.KINDS)]


def test_the_docs_list_every_kind() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", (ROOT / "docs" / "ledger.md").read_text(), re.MULTILINE)
    assert [(kind, f"{said[0].upper()}{said[1:]}.") for kind, said in rows] == told()


def fields(schema: object) -> Iterator[str]:
    """Names of all that a model.yaml may say."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def test_the_docs_speak_of_no_kind_that_is_not_written() -> None:
    known = set(fields(json.loads((ROOT / "docs" / "model.schema.json").read_text())))
    suffixes = {path.suffix[1:] for path in tracked()} | {"joblib", "parquet", "gz", "onnx"}
    wrong = [
        f"{page.relative_to(ROOT)}: {said}"
        for page in tracked("*.md")
        for said in SAID.findall(page.read_text())
        if said not in kinds.KINDS and said.partition(".")[2] not in known | suffixes
    ]
    assert not wrong
