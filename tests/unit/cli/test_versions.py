"""Versions by their reference, and what is said of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from cli.errors import CommandError
from cli.lineage import show, what_made
from cli.reproduce import in_words
from cli.versions import Recorded, parse
from tests.fakes import MemoryLedger
from trimtab.ports import Package

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PACKAGE = Package("arn:3", "trimtab-dev-tiny", 3, "Approved", "s3://a", "image", {"submitted-by": "ada"}, NOON)
RECORD: dict[str, Any] = {
    "run": "run-3",
    "dataset": {"digest": "d" * 64, "rows_train": 900, "rows_holdout": 300},
    "code": {"uri": "s3://assets/code", "sha256": "c" * 64},
    "image": {"uri": "image", "digest": None},
    "seed": 7,
    "hyperparameters": {"max_depth": 6},
    "artifact": {"uri": "s3://a/model.tar.gz", "sha256": "a" * 64},
    "evaluation": {},
    "gates": [{"name": "auc min", "outcome": "pass", "message": "auc 0.8"}],
    "sealed": {},
}
MANIFEST = {"sources": [{"kind": "data", "bucket": "b", "key": "january.csv", "version": "v1"}], "split": {}}


def test_a_reference_names_model_and_version() -> None:
    assert parse("flights@3") == ("flights", 3)
    assert parse("own-model2@v12") == ("own-model2", 12)


@pytest.mark.parametrize("text", ["flights", "flights@", "flights@latest", "@3", "Flights@3", "flights@3 "])
def test_what_is_no_reference_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(CommandError, match="flights@3"):
        parse(text)


def test_lineage_holds_what_was_decided_of_the_run_and_of_its_package_only() -> None:
    ledger = MemoryLedger()
    for kind, subject, said in (
        ("training.leased", "run-3", {"summary": "asked for"}),
        ("training.leased", "run-4", {}),
        ("approval.checked", "p1", {"package_arn": "arn:3"}),
        ("rollout.serving", "p1", {"champion": {"package_arn": "arn:3"}}),
        ("rollout.serving", "p2", {"champion": {"package_arn": "arn:4"}}),
    ):
        ledger.append(kind, subject, said, NOON, "test")
    made = what_made(Recorded("tiny", PACKAGE, RECORD), MANIFEST, ledger.entries())
    assert [each["seq"] for each in made["decisions"]] == [1, 3, 4]
    console = Console(record=True, width=400)
    show(made, console)
    shown = console.export_text()
    for text in ("tiny@3", "Approved", "by ada", "s3://b/january.csv version v1", "d" * 64, "max_depth = 6", "auc 0.8"):
        assert text in shown, text


def outcome(**changes: Any) -> dict[str, Any]:
    metric = {"name": "auc", "recorded": 0.8, "again": 0.7, "within": False}
    said = {"version": "tiny@3", "digests": "different", "files_that_differ": ["model.onnx"], "tolerance": 0.001}
    return said | {"metrics": [metric], "reproduced": False} | changes


def test_a_reproduction_says_exactly_what_differs() -> None:
    text = in_words(outcome())
    assert "files that differ: model.onnx" in text
    assert "auc: 0.8 recorded, 0.7 again: OUTSIDE the tolerance" in text
    assert text.endswith("tiny@3 is NOT reproduced within a tolerance of 0.001")
    assert "byte for byte" in in_words(outcome(digests="equal", reproduced=True))
