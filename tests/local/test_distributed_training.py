"""XGBoost over two hosts, by the settings of the job alone: a train.py that says ``with cluster()``."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stacks.job_kit import built_kit
from trimtab.authoring.bundle import build_bundle
from trimtab.authoring.names import PROGRAM
from trimtab.spec import Spec

from .conftest import ROOT, LocalCloud
from .sagemaker_support import Studio, unique, unpack

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
TRAIN = """
import xgboost

from trimtab.authoring import cluster, train


def fit(features, label, hyperparameters, seed):
    with cluster() as hosts:
        rows = hosts.shard(features)
        table = xgboost.DMatrix(rows, label=hosts.shard(label))
        print(f"{hosts.here} has {len(rows)} of {len(features)} rows", flush=True)
        trained = xgboost.train({"objective": "binary:logistic", "seed": seed, "max_depth": 3}, table, 20)
    model = xgboost.XGBClassifier()
    model.load_model(bytearray(trained.save_raw("ubj")))
    return model


if __name__ == "__main__":
    train(fit)
"""
SPEC = Spec.model_validate(
    {
        "name": "corners",
        "data": {
            "id": "id",
            "label": "y",
            "columns": {
                "id": {"type": "integer"},
                "a": {"type": "number"},
                "b": {"type": "number"},
                "y": {"type": "integer"},
            },
        },
        "training": {"entry_point": "train.py", "framework": "xgboost-3.2-0", "instance_count": 2},
    },
    strict=False,
)
ROWS = 1_001


def rows() -> pd.DataFrame:
    random = np.random.default_rng(5)
    table = pd.DataFrame({"id": np.arange(ROWS), "a": random.normal(size=ROWS), "b": random.normal(size=ROWS)})
    return table.assign(y=(table["a"] * table["b"] > 0).astype("int64"))


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


def train_on(studio: Studio, folder: Path, hosts: int) -> dict[str, Any]:
    """The job, ended."""
    name = unique(f"hosts-{hosts}")
    (folder / "train.py").write_text(TRAIN)
    bundle = build_bundle(folder, ROOT / "layers/runtime/trimtab", SPEC.canonical_json(), "train.py")
    stream = io.BytesIO()
    rows().to_parquet(stream, index=False)
    data = studio.put(f"{name}/train/part.parquet", stream.getvalue())
    code = studio.put(f"{name}/code/bundle.tar.gz", bundle)
    kit = studio.put(f"{name}/kit/kit.tar.gz", built_kit().read_bytes())
    channels = [
        {"ChannelName": each, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        for each, uri in (("train", data), ("code", code), ("kit", kit))
    ]
    request = studio.training_request(name, {"train.py": TRAIN})
    request["AlgorithmSpecification"]["TrainingImage"] = IMAGE
    request["HyperParameters"] = {
        "sagemaker_program": json.dumps(PROGRAM),
        "sagemaker_submit_directory": '"/opt/ml/input/data/code/bundle.tar.gz"',
    }
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1}
    request |= {"InputDataConfig": channels, "ResourceConfig": resources, "EnableNetworkIsolation": True}
    studio.sagemaker.create_training_job(**request)
    return studio.ended_training(name)


def test_two_hosts_train_one_model_on_halves_of_the_rows(studio: Studio, tmp_path: Path) -> None:
    job = train_on(studio, tmp_path, hosts=2)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    client = studio.cloud.client("logs")
    found = client.filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job['TrainingJobName']}/"
    )
    told = {event["message"] for event in found["events"] if " rows" in event["message"]}
    assert told == {f"algo-1 has 501 of {ROWS} rows", f"algo-2 has 500 of {ROWS} rows"}
    metrics = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    assert metrics == {}, "no metric was asked for"
    artifact = unpack(studio.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert "contract.json" in artifact
    printed = [event["message"] for event in found["events"] if event["message"].startswith("train_auc=")]
    assert len(printed) == 1, "one host reports"
    assert float(printed[0].partition("=")[2]) > 0.95, "half of the rows' trees alone would not know all rows so well"
