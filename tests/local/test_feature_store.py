"""A model with what is optional, deployed to the local cloud: a feature store, batches, scaling and nights off.

What was dropped is what either store answers, bit for bit. Files are scored by the version that serves. The endpoint is
gone at night, and comes back as it was.

The steps build on each other: a failure makes those after it fail too.
"""

import io
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from cli.__main__ import app
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, wait_until
from tests.local.loop_support import FIXTURE, PREFIX, Loop, deploy, environment
from tests.local.people_support import person
from tests.local.sagemaker_support import IMAGE, Studio, archive
from trimtab.aws.ledger_table import LedgerTable

pytestmark = pytest.mark.local
ROWS = 450
CONFIG = f"{PREFIX}-v1-12345678"
VARIANT = f"endpoint/{PREFIX}/variant/main"
FEATURES = ["load", "heat", "age", "site"]
NIGHTS = {"at": "cron(0 19 ? * * *)", "wake_at": "cron(0 7 ? * * *)"}
BATCHED = """
import json, os

def model_fn(model_dir):
    return int(os.environ["TRIMTAB_VERSION"])

def transform_fn(version, body, content_type, accept):
    text = body.decode() if isinstance(body, bytes) else body
    rows = [json.loads(line) for line in text.splitlines()]
    answers = [{"id": each["id"], "score": each["load"] / 200, "version": version} for each in rows]
    return "".join(json.dumps(each) + "\\n" for each in answers), "application/jsonlines"
"""
LOAD_IS_THE_SCORE = """
import json

def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return [json.loads(line) for line in body.splitlines()]

def predict_fn(records, model):
    return [{"id": each["id"], "score": each["load"], "asked": each} for each in records]

def output_fn(answers, accept):
    return "".join(json.dumps(each) + "\\n" for each in answers), "application/jsonlines"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pumps")


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """The fixture model with all that is optional, that is not trained of itself."""
    copied = folder / "tiny"
    shutil.copytree(ROOT / FIXTURE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    spec = yaml.safe_load((copied / "model.yaml").read_text())
    spec |= {"features": {"store": True}, "retraining": {"triggers": []}, "batch": {}}
    spec["rollout"]["endpoint"] = {"autoscaling": {"max_count": 3}, "sleep": NIGHTS}
    (copied / "model.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return copied


@pytest.fixture(scope="module")
def loop(own_cloud: LocalCloud, model: Path) -> Iterator[Loop]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, str(model))
        yield Loop(own_cloud)


@pytest.fixture(scope="module")
def january() -> pd.DataFrame:
    """A pump a minute: SageMaker writes a file for each hour of event times."""
    minutes = pd.to_timedelta(np.arange(ROWS), unit="min")
    return data.month(1, rows=ROWS).assign(at=pd.Timestamp(2026, 1, 1) + minutes)


def parquet(frame: pd.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.to_parquet(packed, index=False)
    return packed.getvalue()


def stored(loop: Loop) -> list[dict[str, Any]]:
    """What the ledger says was stored, and how the machine is that stores."""
    history = CliRunner().invoke(app, ["history", "tiny", "--json"]).stdout
    return [entry["data"] for entry in json.loads(history) if entry["kind"] == "features.stored"]


def drop(loop: Loop, name: str, frame: pd.DataFrame) -> None:
    """The file is accepted and its rows are in the stores."""
    before = len(stored(loop))
    assert loop.drop(name, parquet(frame)).state == "Accepted"
    wait_until(lambda: len(stored(loop)) > before, 90, lambda: f"{name} was not stored; see {loop.cloud.log}")


def online(loop: Loop, identifier: int) -> dict[str, str]:
    store = loop.cloud.client("sagemaker-featurestore-runtime")
    group = loop._outputs("trimtab-dev-model-tiny")["FeatureGroup"]
    answer = store.get_record(FeatureGroupName=group, RecordIdentifierValueAsString=str(identifier))
    return {each["FeatureName"]: each["ValueAsString"] for each in answer.get("Record", [])}


def as_of(model: Path, folder: Path, asked: pd.DataFrame, *more: str) -> pd.DataFrame:
    """What the command writes for the ids and times."""
    questions, answers = folder / "asked.parquet", folder / "known.parquet"
    asked.to_parquet(questions, index=False)
    arguments = ["features", "read", "tiny", "--at", str(questions), "--out", str(answers), "--spec", str(model)]
    done = CliRunner().invoke(app, [*arguments, *more])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    found: pd.DataFrame = pq.read_table(answers).to_pandas()
    return found


def all_written(loop: Loop, records: int) -> None:
    """The offline store holds so many records; SageMaker writes them some time after they were put."""
    bucket = loop.data["ArtifactsBucket"]

    def written() -> bool:
        keys = [key for key in loop.keys("ArtifactsBucket", "tiny/features/") if key.endswith(".parquet")]
        bodies = (loop.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys)
        return bool(sum(pq.ParquetFile(io.BytesIO(body)).metadata.num_rows for body in bodies) >= records)

    wait_until(written, 30, lambda: f"the offline store does not get {records} records")


def test_accepted_rows_are_online_with_every_value_and_no_label(loop: Loop, january: pd.DataFrame) -> None:
    drop(loop, "january.parquet", january)
    assert stored(loop)[0]["records"] == ROWS
    for row in january.sample(25, random_state=7).to_dict("records"):
        found = online(loop, row["id"])
        assert float(found.pop("load")) == row["load"]
        assert float(found.pop("heat", "nan")) == row["heat"] or np.isnan(row["heat"])
        assert found.pop("accepted_seq")
        assert found == {
            "id": str(row["id"]), "at": row["at"].strftime("%Y-%m-%dT%H:%M:%S.000Z"), "age": str(row["age"]),
            "site": row["site"],
        }  # fmt: skip


def test_offline_has_what_was_dropped_bit_for_bit(loop: Loop, model: Path, folder: Path, january: pd.DataFrame) -> None:
    all_written(loop, ROWS)
    found = as_of(model, folder, january[["id", "at", "failed"]])
    pd.testing.assert_frame_equal(found[FEATURES], january[FEATURES], check_exact=True)
    assert found["failed"].tolist() == january["failed"].tolist()


def test_before_its_event_time_nothing_is_known_of_a_row(model: Path, folder: Path, january: pd.DataFrame) -> None:
    earlier = january[["id", "at"]].assign(at=january["at"] - timedelta(seconds=1))
    latest = earlier.assign(at=january["at"].where(january.index % 2 == 0, earlier["at"]))
    found = as_of(model, folder, latest)
    assert found["load"].notna().tolist() == [place % 2 == 0 for place in range(ROWS)]


def test_a_later_event_is_what_is_known_now_and_not_what_was_known_then(
    loop: Loop, model: Path, folder: Path, january: pd.DataFrame
) -> None:
    later = january.head(120).assign(load=111.5, at=lambda table: table["at"] + timedelta(days=40))
    drop(loop, "later.parquet", later.drop(columns="failed"))
    all_written(loop, ROWS + 120)
    assert online(loop, int(later["id"].iloc[0]))["load"] == "111.5"
    assert online(loop, int(january["id"].iloc[200]))["load"] == repr(float(january["load"].iloc[200]))
    then, now = (as_of(model, folder, each[["id", "at"]]) for each in (january.head(120), later))
    assert then["load"].tolist() == january["load"].head(120).tolist()
    assert set(now["load"]) == {111.5}


def test_a_training_set_as_of_its_rows_times_is_the_one_made_of_the_drops(
    loop: Loop, model: Path, folder: Path
) -> None:
    asked = {"model": "tiny", "at": loop.cloud.now(), "execution": "e", "run": f"{PREFIX}-by-hand"}
    functions = loop.cloud.client("lambda")
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    name = next(each for each in names if "BuildDataset" in each)
    built = json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(asked).encode())["Payload"].read())
    assert built["ready"], built
    key = f"{built['train_uri']}part.parquet".removeprefix(f"s3://{loop.data['ArtifactsBucket']}/")
    body = loop.s3.get_object(Bucket=loop.data["ArtifactsBucket"], Key=key)["Body"].read()
    train = pq.read_table(pa.BufferReader(body)).to_pandas()
    found = as_of(model, folder, train[["id", "at"]])
    pd.testing.assert_frame_equal(found[FEATURES], train[FEATURES], check_exact=True)


def test_a_request_by_id_is_answered_from_the_online_record(loop: Loop, january: pd.DataFrame) -> None:
    serve(loop)
    row = january.iloc[300]
    done = CliRunner().invoke(app, ["features", "score", "tiny", str(row["id"]), "5", "--json"])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    said = json.loads(done.stdout)
    assert said["missing"] == ["5"]
    (answer,) = said["answers"]
    assert answer["score"] == row["load"]
    assert {name: answer["asked"][name] for name in ("age", "site")} == {"age": row["age"], "site": row["site"]}


def serve(loop: Loop) -> None:
    """An endpoint of the model's name stands there, with a model that scores a row by its load."""
    studio, name = Studio(loop.cloud), CONFIG
    artifact = studio.put("model.tar.gz", archive({"code/inference.py": LOAD_IS_THE_SCORE}))
    container = {"Image": IMAGE, "ModelDataUrl": artifact, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
    studio.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=studio.role)
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    studio.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    studio.sagemaker.create_endpoint(EndpointName=PREFIX, EndpointConfigName=name)
    assert studio.settled(PREFIX)["EndpointStatus"] == "InService"


@pytest.fixture(scope="module")
def served(loop: Loop) -> LedgerTable:
    """Version 1 serves, as the ledger says; its artifact lies where a run would have put it."""
    ledger = LedgerTable(loop.cloud.client("dynamodb"), loop.data["LedgerTable"], "tiny")
    key = "tiny/runs/by-hand/output/model.tar.gz"
    body = archive({"code/inference.py": BATCHED})
    loop.s3.put_object(Bucket=loop.data["ArtifactsBucket"], Key=key, Body=body)
    promoted = {
        "outcome": "Approved", "reason": "", "package_arn": "arn:package/1", "version": 1, "id": "p", "tag": "12345678",
        "artifact_uri": f"s3://{loop.data['ArtifactsBucket']}/{key}",
    }  # fmt: skip
    at = datetime.fromisoformat(loop.cloud.now())
    ledger.append("approval.checked", "p", promoted, at, "test")
    champion = {"version": 1, "config": CONFIG}
    ledger.append("rollout.serving", "p", {"champion": champion}, at, "test", state={"champion": champion})
    return ledger


def records(january: pd.DataFrame, rows: int) -> bytes:
    """JSON Lines as requests have them."""
    asked = january.head(rows)[["id", *FEATURES]].astype(object)
    listed = asked.where(asked.notna(), None).to_dict("records")
    return b"".join(json.dumps(each).encode() + b"\n" for each in listed)


def ended_batches(loop: Loop) -> list[Any]:
    """How the batch machine's executions ended, and why."""
    return [loop._ended(each["executionArn"]) for each in loop.executions("batch")]


def test_a_file_that_is_put_there_is_scored_and_lies_among_what_is_measured(
    loop: Loop, served: LedgerTable, january: pd.DataFrame
) -> None:
    body, bucket = records(january, 300), loop.data["DropsBucket"]
    loop.s3.put_object(Bucket=bucket, Key="tiny/batch/incoming/day.jsonl", Body=body)
    (done,) = wait_until(
        lambda: served.entries("batch.scored"), 120, lambda: f"{ended_batches(loop)}; {loop.cloud.log}"
    )
    assert (done.data["rows"], done.data["version"], done.data["by"]) == (300, 1, "arrival")
    place = f"{done.data['output_uri']}/".removeprefix(f"s3://{loop.data['CapturesBucket']}/")
    (key,) = loop.keys("CapturesBucket", place)
    written = loop.s3.get_object(Bucket=loop.data["CapturesBucket"], Key=key)
    rows = [json.loads(line) for line in written["Body"].read().splitlines()]
    assert [row["SageMakerOutput"]["id"] for row in rows] == january["id"].head(300).tolist()
    assert {row["SageMakerOutput"]["version"] for row in rows} == {1}
    assert written["ServerSideEncryption"] == "aws:kms"
    captured = loop.keys("CapturesBucket", f"tiny/capture/{PREFIX}/main/")
    assert [each for each in captured if done.subject in each]


def test_the_command_scores_a_file_of_this_machine_and_writes_its_answers(
    loop: Loop, served: LedgerTable, january: pd.DataFrame, folder: Path
) -> None:
    asked, answers = folder / "asked.jsonl", folder / "answers.jsonl"
    asked.write_bytes(records(january, 40))
    done = CliRunner().invoke(app, ["score", "tiny", str(asked), "--out", str(answers)])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    scores = [json.loads(line)["score"] for line in answers.read_text().splitlines()]
    assert scores == [load / 200 for load in january["load"].head(40)]
    refused = CliRunner().invoke(app, ["score", "tiny", str(asked), "--version", "7"])
    assert refused.exit_code == 1
    assert "version 7 has never served" in str(refused.exception)


def test_who_has_the_scorers_policy_alone_scores_and_a_reader_does_not(
    loop: Loop, served: LedgerTable, january: pd.DataFrame, folder: Path
) -> None:
    asked, answers = folder / "own.jsonl", folder / "own-answers.jsonl"
    asked.write_bytes(records(january, 10))
    done = person(loop.cloud, "Scorer").trimtab("score", "tiny", str(asked), "--out", str(answers))
    assert (done["rows"], done["version"]) == (10, 1)
    assert ":user/scorer" in done["by"]
    assert len(answers.read_text().splitlines()) == 10
    assert "PutObject" in person(loop.cloud, "Reader").refused("score", "tiny", str(asked))


def scalable(loop: Loop) -> list[dict[str, Any]]:
    """What the endpoint's variant is registered with."""
    scaling = loop.cloud.client("application-autoscaling")
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[VARIANT])
    return list(found["ScalableTargets"])


def statuses(loop: Loop) -> list[str]:
    """Of the endpoint; none when it does not exist."""
    return [each["EndpointStatus"] for each in loop.sagemaker.list_endpoints(NameContains=PREFIX)["Endpoints"]]


def advance_to(loop: Loop, hour: int) -> None:
    """It is this full hour, and some seconds, for the next time."""
    now = datetime.fromisoformat(loop.cloud.now())
    then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    loop.cloud.advance(((then - now).total_seconds() % 86_400) + 5)


def test_the_endpoint_is_gone_at_night_and_comes_back_scaled_as_it_was(loop: Loop, served: LedgerTable) -> None:
    wait_until(lambda: scalable(loop), 60, lambda: "the endpoint's scaling was not registered")
    advance_to(loop, 19)
    wait_until(lambda: not statuses(loop), 60, lambda: f"the endpoint does not sleep, it is {statuses(loop)}")
    scaling = loop.cloud.client("application-autoscaling")
    dimension = "sagemaker:variant:DesiredInstanceCount"
    scaling.deregister_scalable_target(ServiceNamespace="sagemaker", ResourceId=VARIANT, ScalableDimension=dimension)
    advance_to(loop, 7)
    wait_until(lambda: statuses(loop) == ["InService"], 90, lambda: f"the endpoint does not wake: {statuses(loop)}")
    assert loop.endpoint()["EndpointConfigName"] == CONFIG
    (target,) = wait_until(lambda: scalable(loop), 60, lambda: "its scaling was not registered again")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    told = [entry.kind for entry in served.entries("endpoint.")]
    assert told == ["endpoint.slept", "endpoint.woken"]
