"""An accepted drop is in the ledger once, and only the first labelled data ask for training."""

from typing import Any

import pytest

from tests.fakes import NOON
from tests.unit.data.samples import csv, parquet, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.spec import Spec
from trimtab.telemetry import Metric

LABELLED = parquet(trips(50)).getvalue()
UNLABELLED = parquet(trips(50).drop_columns(["late"])).getvalue()
TRUTH = csv(trips(50).select(["trip", "late"])).getvalue()


def test_the_ledger_holds_all_that_a_dataset_needs() -> None:
    intake = Intake()
    intake.through("tiny/data/a.parquet", LABELLED)
    entry = intake.ledger.entries("drop.accepted")[0]
    assert entry.subject == entry.data["id"]
    assert entry.data["uri"] == "s3://drops/tiny/data/a.parquet"
    assert entry.data["version"] == "v1"
    assert len(entry.data["sha256"]) == 64
    assert (entry.data["rows"], entry.data["labelled"], entry.data["kind"]) == (50, True, "data")
    assert entry.data["period"]["start"] == "2026-03-01T00:00:00Z"
    assert entry.data["profile"].endswith("/profile.json")
    assert entry.data["summary"] == "a.parquet: accepted, 50 rows"


def test_a_retry_counts_and_writes_nothing_twice() -> None:
    intake = Intake()
    drop = intake.claim(intake.drop("tiny/data/a.parquet", LABELLED))["drop"]
    validation = intake.validate(drop)
    assert intake.accept(drop, validation) == intake.accept(drop, validation)
    assert intake.kinds == ["drop.claimed", "drop.accepted"]
    assert intake.metrics.points == [(Metric.DROPS_ACCEPTED, 1, {})]


def test_the_first_labelled_data_ask_for_training() -> None:
    answer = Intake().through("tiny/data/a.parquet", LABELLED)
    assert answer == {
        "outcome": "Accepted",
        "training": {"requested": True, "reason": "first labelled data: a.parquet"},
    }


def test_truth_that_labels_data_asks_for_training_too() -> None:
    intake = Intake()
    assert not intake.through("tiny/data/a.parquet", UNLABELLED, "one")["training"]["requested"]
    assert intake.through("tiny/truth/a.csv", TRUTH, "two")["training"]["requested"]


def test_truth_without_data_asks_for_nothing() -> None:
    training = Intake().through("tiny/truth/a.csv", TRUTH)["training"]
    assert (training["requested"], training["reason"]) == (False, "truth came before the data it belongs to")


def _with_champion(intake: Intake) -> None:
    intake.ledger.states["champion"] = {"version": 3}


def _with_candidate(intake: Intake) -> None:
    intake.ledger.append("candidate.registered", "run", {}, NOON, "register_candidate")


@pytest.mark.parametrize(
    ("prepare", "reason"), [(_with_champion, "version 3 serves"), (_with_candidate, "waits for approval")]
)
def test_a_model_that_has_a_version_is_not_trained_by_a_drop(prepare: Any, reason: str) -> None:
    intake = Intake()
    prepare(intake)
    training = intake.through("tiny/data/a.parquet", LABELLED)["training"]
    assert not training["requested"]
    assert reason in training["reason"]


def test_the_spec_may_forbid_training_by_first_data() -> None:
    document = SPEC.model_dump() | {"retraining": {"triggers": ("drift",)}}
    training = Intake(spec=Spec.model_validate(document)).through("tiny/data/a.parquet", LABELLED)["training"]
    assert not training["requested"]
