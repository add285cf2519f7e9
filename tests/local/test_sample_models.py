"""The sample models through the whole machine on one local cloud, seen through AWS's APIs only.

The steps of a model build on each other: a failure makes those after it fail too.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from models.income import data as income_data
from models.traffic import data as traffic_data
from tests.local.conftest import ROOT, LocalCloud
from tests.local.loop_support import Ended, Loop, deploy, deploy_model, environment
from trimtab.aws.ledger_table import LedgerTable

SEARCHES = 2
TRAINING_SECONDS = 240
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def cloud(own_cloud: LocalCloud, folder: Path) -> Iterator[LocalCloud]:
    """Both models as their authors wrote them, but that traffic's search tries less."""
    for name in ("income", "traffic"):
        shutil.copytree(ROOT / "models" / name, folder / name)
    change(folder / "traffic", lambda spec: spec["training"]["tuning"].update(max_jobs=SEARCHES))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, f"{folder / 'traffic'},{folder / 'income'}")
        yield own_cloud


@pytest.fixture(scope="module")
def traffic(cloud: LocalCloud) -> Loop:
    return Loop(cloud, "traffic")


@pytest.fixture(scope="module")
def income(cloud: LocalCloud) -> Loop:
    return Loop(cloud, "income")


@pytest.fixture(scope="module")
def hours() -> pd.DataFrame:
    return traffic_data.hours()


def change(model: Path, how: Any) -> None:
    """The model's definition, edited."""
    path = model / "model.yaml"
    spec = yaml.safe_load(path.read_text())
    how(spec)
    path.write_text(yaml.safe_dump(spec, sort_keys=False))


def judged(loop: Loop) -> dict[str, Any]:
    """The newest judgement in the ledger."""
    ledger = LedgerTable(loop.cloud.client("dynamodb"), loop.data["LedgerTable"], loop.model)
    return ledger.entries("candidate.judged")[-1].data


def gates(loop: Loop) -> dict[str, dict[str, Any]]:
    return {gate["name"]: gate for gate in judged(loop)["gates"]}


def evaluation(loop: Loop) -> dict[str, Any]:
    """The evaluation that the newest judgement was made from."""
    bucket, _, key = str(judged(loop)["evaluation_uri"]).removeprefix("s3://").partition("/")
    found: dict[str, Any] = json.loads(loop.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return found


def drop_month(loop: Loop, table: pd.DataFrame, month: str, folder: Path) -> Ended:
    path, _ = traffic_data.write_month(table, month, folder)
    return loop.drop(path.name, path.read_bytes())


def test_a_year_of_traffic_ends_as_a_searched_and_registered_regression(
    traffic: Loop, hours: pd.DataFrame, folder: Path
) -> None:
    first = traffic_data.write_training(hours, folder)
    assert traffic.drop(first.name, first.read_bytes()).state == "Accepted"
    ended = traffic.next("training", seconds=TRAINING_SECONDS)
    assert (ended.status, ended.state) == ("SUCCEEDED", "Registered"), ended.output
    (version,) = traffic.versions()
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    (search,) = [key for key in traffic.keys("ArtifactsBucket", "traffic/runs/") if key.endswith("search.json")]
    body = traffic.s3.get_object(Bucket=traffic.data["ArtifactsBucket"], Key=search)["Body"].read()
    assert json.loads(body)["tried"] == SEARCHES


def test_traffic_is_measured_as_forecasts_are(traffic: Loop) -> None:
    report = evaluation(traffic)
    assert set(report["baselines"]) == {"mean", "linear", "last_value"}
    assert (report["problem"], report["bootstrap"]["blocks"]["unit"]) == ("regression", "day")
    low, high = report["intervals"]["candidate"]["quantile_loss"]
    assert low < report["metrics"]["candidate"]["quantile_loss"] < high
    assert report["metrics"]["candidate"]["r2"] > 0.9
    assert gates(traffic)["baseline"]["outcome"] == "pass"


def test_a_month_with_a_broken_thermometer_is_refused_until_its_gaps_are_gaps(
    traffic: Loop, hours: pd.DataFrame, folder: Path
) -> None:
    assert drop_month(traffic, hours, "2014-02", folder).state == "Quarantined"
    (reason,) = [key for key in traffic.keys("DropsBucket", "traffic/quarantine/") if key.endswith("reason.json")]
    body = traffic.s3.get_object(Bucket=traffic.data["DropsBucket"], Key=reason)["Body"].read().decode()
    assert "temp" in body
    assert "range" in body
    assert drop_month(traffic, traffic_data.mended(hours), "2014-02", folder).state == "Accepted"


def test_an_impossible_hour_of_rain_refuses_its_month_until_it_is_left_out(
    traffic: Loop, hours: pd.DataFrame, folder: Path
) -> None:
    assert drop_month(traffic, hours, "2016-07", folder).state == "Quarantined"
    ledger = LedgerTable(traffic.cloud.client("dynamodb"), traffic.data["LedgerTable"], "traffic")
    refused = ledger.entries("drop.quarantined")[-1].data
    assert [each["column"] for each in refused["findings"]] == ["rain_1h"]
    assert drop_month(traffic, traffic_data.mended(hours), "2016-07", folder).state == "Accepted"


def test_a_model_that_overlooks_people_with_a_disability_is_refused_for_that(income: Loop, folder: Path) -> None:
    first = income_data.write_training(income_data.people(), folder)
    assert income.drop(first.name, first.read_bytes()).state == "Accepted"
    ended = income.next("training", seconds=TRAINING_SECONDS)
    assert (ended.status, ended.state) == ("SUCCEEDED", "Refused"), ended.output
    found = gates(income)
    against = {name for name, gate in found.items() if gate["outcome"] != "pass"}
    assert against == {"bias DIS four_fifths", "bias DIS equal_opportunity"}, [found[name] for name in against]
    ratio = found["bias DIS four_fifths"]
    assert (ratio["outcome"], ratio["limit"]) == ("refuse", 0.8)
    assert ratio["interval"][1] < 0.8
    assert not income.versions()


def test_it_is_offered_only_once_people_have_written_down_why(income: Loop, folder: Path) -> None:
    risks = yaml.safe_load((folder / "income" / "accepted_risks.yaml").read_text())
    change(folder / "income", lambda spec: spec["evaluation"]["gates"]["bias"]["accepted_risks"].extend(risks))
    deploy_model(income.cloud, str(folder / "income"), "income")
    income.settle("training")
    request = {"model": "income", "at": income.cloud.now(), "reason": "risk accepted", "requested_by": "ada"}
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{income.prefix}-training"
    income.states.start_execution(stateMachineArn=machine, input=json.dumps(request))
    assert income.next("training", seconds=TRAINING_SECONDS).state == "Registered"
    (version,) = income.versions()
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    gate = gates(income)["bias DIS four_fifths"]
    assert (gate["outcome"], gate["accepted_risk"]) == ("pass", risks[0]["reason"])
