"""A model with a feature store on the local cloud: what was dropped is what either store answers, bit for bit.

The steps build on each other: a failure makes those after it fail too.
"""

import io
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
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
from tests.local.sagemaker_support import IMAGE, Studio, archive

pytestmark = pytest.mark.local
ROWS = 450
FEATURES = ["load", "heat", "age", "site"]
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
    """The fixture model with a feature store, that is not trained of itself."""
    copied = folder / "tiny"
    shutil.copytree(ROOT / FIXTURE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    spec = yaml.safe_load((copied / "model.yaml").read_text())
    spec |= {"features": {"store": True}, "retraining": {"triggers": []}}
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
    studio, name = Studio(loop.cloud), f"{PREFIX}-by-hand"
    artifact = studio.put("model.tar.gz", archive({"code/inference.py": LOAD_IS_THE_SCORE}))
    container = {"Image": IMAGE, "ModelDataUrl": artifact, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}
    studio.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=studio.role)
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    studio.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    studio.sagemaker.create_endpoint(EndpointName=PREFIX, EndpointConfigName=name)
    assert studio.settled(PREFIX)["EndpointStatus"] == "InService"
