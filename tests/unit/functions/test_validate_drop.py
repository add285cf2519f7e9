"""The gate stores its evidence and answers with the gist; no file makes it fail."""

import json

import numpy as np
import pytest

from tests.unit.data.samples import csv, parquet, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.contracts import Drop
from trimtab.data.profile import Profile
from trimtab.data.validate import validate
from trimtab.intake.gate import DropGate

KEY = "tiny/data/a.parquet"


@pytest.fixture
def intake() -> Intake:
    return Intake()


def test_a_good_file_is_accepted_with_report_page_and_profile(intake: Intake) -> None:
    drop = intake.claim(intake.drop(KEY, parquet(trips(60)).getvalue()))["drop"]
    answer = intake.validate(drop)
    assert (answer["verdict"], answer["rows"], answer["labelled"], answer["findings"]) == ("accept", 60, True, [])
    assert answer["period"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:59:00Z"}
    folder = f"s3://artifacts/tiny/reports/{drop['id']}"
    assert (answer["report"], answer["profile"]) == (f"{folder}/report.json", f"{folder}/profile.json")
    assert json.loads(intake.objects.read(answer["report"]))["verdict"] == "accept"
    assert Profile.loads(intake.objects.read(answer["profile"])).rows == 60
    assert intake.objects.read(f"{folder}/report.html").startswith(b"<!doctype html>")


def test_a_truncated_file_is_quarantined_and_has_no_profile(intake: Intake) -> None:
    body = parquet(trips(60)).getvalue()
    answer = intake.validate(intake.claim(intake.drop(KEY, body[: len(body) // 2]))["drop"])
    assert (answer["verdict"], answer["profile"]) == ("quarantine", None)
    assert "truncated" in answer["findings"][0]["message"]


def test_the_version_that_was_claimed_is_the_one_that_is_read(intake: Intake) -> None:
    drop = intake.claim(intake.drop(KEY, parquet(trips(60)).getvalue()))["drop"]
    intake.objects.write(f"s3://drops/{KEY}", b"something else")
    assert intake.validate(drop)["verdict"] == "accept"


def test_at_most_five_findings_travel_and_the_report_has_all(intake: Intake) -> None:
    table = trips(5).drop_columns(["started", "miles", "stops", "line", "code", "express"])
    answer = intake.validate(intake.claim(intake.drop(KEY, parquet(table).getvalue()))["drop"])
    assert len(answer["findings"]) == 5
    assert len(json.loads(intake.objects.read(answer["report"]))["findings"]) == 6
    assert len(json.dumps(answer)) < 4_000


def test_drift_is_measured_against_the_baseline_of_the_serving_version(intake: Intake) -> None:
    reference = validate(parquet(trips(500)), "parquet", SPEC.data).profile
    assert reference is not None
    intake.objects.write("s3://artifacts/tiny/baseline.json", reference.dumps())
    intake.ledger.states["baseline"] = {"baseline_uri": "s3://artifacts/tiny/baseline.json"}
    body = parquet(trips(500, miles=np.full(500, 99.0))).getvalue()
    answer = intake.validate(intake.claim(intake.drop(KEY, body))["drop"])
    assert answer["verdict"] == "accept_warn"
    assert answer["findings"][0]["rule"] == "drift"


def test_a_baseline_that_is_gone_costs_the_drift_and_not_the_drop(intake: Intake) -> None:
    intake.ledger.states["baseline"] = {"baseline_uri": "s3://artifacts/tiny/gone.json"}
    answer = intake.validate(intake.claim(intake.drop(KEY, parquet(trips(50)).getvalue()))["drop"])
    assert answer["verdict"] == "accept"


def test_truth_is_held_against_its_own_contract(intake: Intake) -> None:
    body = csv(trips(20).select(["trip", "late"])).getvalue()
    answer = intake.validate(intake.claim(intake.drop("tiny/truth/a.csv", body))["drop"])
    assert (answer["verdict"], answer["rows"], answer["labelled"], answer["period"]) == ("accept", 20, True, None)


def test_a_file_that_takes_too_long_is_quarantined_with_that_reason(intake: Intake) -> None:
    drop = Drop.model_validate(intake.claim(intake.drop(KEY, parquet(trips(50)).getvalue()))["drop"])
    gate = DropGate(SPEC, intake.objects, intake.ledger, "s3://artifacts/tiny/reports/x", seconds=0.000_001)
    found = gate.validate(drop)
    assert found.verdict == "quarantine"
    assert found.findings[0].rule == "limits"
    assert "longer than" in found.findings[0].message
    assert intake.objects.head("s3://artifacts/tiny/reports/x/report.html")
