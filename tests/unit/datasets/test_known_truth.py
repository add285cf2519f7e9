"""Truth that was read once is not read again, and makes the same datasets."""

from typing import Any

import pyarrow as pa
import pytest

from tests.fakes import NOON, MemoryObjects, fake_runtime
from tests.fixtures import tiny
from tests.unit.functions.test_build_dataset import accept, build
from trimtab.datasets.known_truth import dumps, loads
from trimtab.datasets.recipe import Recipe
from trimtab.datasets.sources import TRUTH, Source
from trimtab.datasets.truth import Truth
from trimtab.entrypoint import Runtime
from trimtab.spec import Spec


class CountedObjects(MemoryObjects):
    """Remembers what was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def open(self, uri: str, version: str | None = None) -> Any:
        self.opened.append(uri.rsplit("/", 1)[-1].removesuffix(".parquet"))
        return super().open(uri, version)


@pytest.fixture
def objects() -> CountedObjects:
    return CountedObjects()


@pytest.fixture
def runtime(objects: CountedObjects) -> Runtime:
    """January and February, and February's outcomes, from which a dataset was built."""
    runtime = fake_runtime(tiny.SPEC, objects=objects)
    accept(runtime, "january", tiny.month(1))
    accept(runtime, "february", tiny.month(2).drop_columns(["failed"]))
    accept(runtime, "outcomes", outcomes(2), kind="truth")
    assert build(runtime)["ready"]
    objects.opened.clear()
    return runtime


def outcomes(number: int, flipped: slice = slice(0)) -> pa.Table:
    """A month's labels, some of them turned round."""
    labels = tiny.month(number).column("failed").to_pylist()
    labels[flipped] = [1 - label for label in labels[flipped]]
    return tiny.month(number).select(["id"]).append_column("failed", pa.array(labels))


def anew(runtime: Runtime, run: str) -> object:
    """The dataset that is built when all truth is read again."""
    assert isinstance(runtime.ledger.state("known_truth"), dict)
    other = fake_runtime(runtime.spec, objects=runtime.objects)
    for entry in runtime.ledger.entries("drop.accepted"):
        other.ledger.append(entry.kind, entry.subject, entry.data, entry.at, entry.actor)
    return build(other, run)["dataset"]


def test_truth_that_was_read_is_not_read_again(runtime: Runtime, objects: CountedObjects) -> None:
    accept(runtime, "march", tiny.month(3).drop_columns(["failed"]))
    accept(runtime, "outcomes-3", outcomes(3), kind="truth")
    found = build(runtime, "run-2")
    assert "outcomes" not in objects.opened
    assert "outcomes-3" in objects.opened
    assert found["dataset"] == anew(runtime, "run-x")


def test_a_correction_makes_the_dataset_that_reading_all_again_makes(runtime: Runtime) -> None:
    before = build(runtime, "run-2")["dataset"]
    accept(runtime, "corrected", outcomes(2, slice(0, 50)), kind="truth")
    found = build(runtime, "run-3")["dataset"]
    assert found == anew(runtime, "run-x")
    assert found != before
    accept(runtime, "corrected again", outcomes(2, slice(100, 110)), kind="truth")
    assert build(runtime, "run-4")["dataset"] == anew(runtime, "run-x")


def test_a_file_that_is_put_back_counts_where_it_counts_now(runtime: Runtime, objects: CountedObjects) -> None:
    accept(runtime, "corrected", outcomes(2, slice(0, 50)), kind="truth")
    build(runtime, "run-2")
    objects.opened.clear()
    accept(runtime, "outcomes", outcomes(2), kind="truth")
    found = build(runtime, "run-3")["dataset"]
    assert {"outcomes", "corrected"} <= set(objects.opened)
    assert found == anew(runtime, "run-x")


def test_under_another_contract_all_truth_is_read_again(runtime: Runtime, objects: CountedObjects) -> None:
    document = tiny.SPEC.model_dump()
    document["data"]["columns"]["failed"]["domain"] = None
    other = fake_runtime(Spec.model_validate(document), objects=objects, ledger=runtime.ledger)
    build(other, "run-2")
    assert "outcomes" in objects.opened


def test_a_file_of_known_truth_that_is_gone_is_no_loss(runtime: Runtime, objects: CountedObjects) -> None:
    objects._versions.pop("s3://artifacts/tiny/datasets/known_truth.parquet")
    accept(runtime, "corrected", outcomes(2, slice(0, 50)), kind="truth")
    assert build(runtime, "run-2")["dataset"] == anew(runtime, "run-x")


def test_known_truth_survives_its_file() -> None:
    sources = tuple(
        Source(TRUTH, f"s3://drops/tiny/truth/{seq}", f"v{seq}", f"{seq}", 2, None, None, seq, at=NOON)
        for seq in (1, 2)
    )
    tables = [pa.table({"id": [1, 2], "y": [0, 1]}), pa.table({"id": [2, 3, 3], "y": [0, 0, 1]})]
    truth = Truth.of(zip(sources, tables, strict=True), "id", "y", pa.int64())
    again = loads(dumps(truth))
    assert again.ids.equals(truth.ids)
    assert again.labels.equals(truth.labels)
    assert (again.origins == truth.origins).all()
    assert again.sources == truth.sources
    assert Recipe.of_spec(tiny.SPEC).shape.label_type == again.labels.type
