"""Uses an account as a user of AWS's sagemaker SDK (version 3) does; prints what came of it as one line of JSON.

Run as `sagemaker_sdk.py ROLE BUCKET IMAGE` in an environment with the SDK, region and credentials as usual.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint, EndpointConfig, FeatureGroup, Model, ModelPackage, ModelPackageGroup
from sagemaker.core.shapes import (
    ContainerDefinition,
    FeatureValue,
    OfflineStoreConfig,
    OnlineStoreConfig,
    OutputDataConfig,
    ProductionVariant,
    S3StorageConfig,
)
from sagemaker.mlops.feature_store import ingest_dataframe, load_feature_definitions_from_dataframe
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

TRAIN = """
import os, pathlib, shutil
import numpy, joblib
from sklearn.linear_model import LinearRegression

data = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), delimiter=",")
folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
joblib.dump(LinearRegression().fit(data[:, :1], data[:, 1]), folder / "model.joblib")
shutil.copytree("serving", folder / "code")
"""
INFERENCE = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
ROLE, BUCKET, IMAGE = sys.argv[1:]
NAME = f"sdk-{time.time_ns()}"


def train(folder: Path) -> str:
    """The artifact of a model that ModelTrainer trained from local files: twice the input."""
    (folder / "source" / "serving").mkdir(parents=True)
    (folder / "source" / "train.py").write_text(TRAIN)
    (folder / "source" / "serving" / "inference.py").write_text(INFERENCE)
    (folder / "data").mkdir()
    (folder / "data" / "train.csv").write_text("1,2\n2,4\n3,6\n")
    trainer = ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        sagemaker_session=Session(default_bucket=BUCKET),  # without a bucket it asks STS at an address of its own
        base_job_name=NAME,
        source_code=SourceCode(source_dir=str(folder / "source"), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/models"),
    )
    trainer.train(input_data_config=[InputData(channel_name="train", data_source=str(folder / "data"))])
    job: Any = trainer._latest_training_job  # the SDK has no public name for it
    return str(job.model_artifacts.s3_model_artifacts)


def serve(artifact: str) -> Any:
    """What the model answers to 21."""
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = ContainerDefinition(image=IMAGE, model_data_url=artifact, environment=environment)
    model = Model.create(model_name=NAME, primary_container=container, execution_role_arn=ROLE)
    variant = ProductionVariant(
        variant_name="only", model_name=NAME, instance_type="ml.m5.large", initial_instance_count=1
    )
    config = EndpointConfig.create(endpoint_config_name=NAME, production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name=NAME, endpoint_config_name=NAME)
    endpoint.wait_for_status("InService", poll=1)
    answer = endpoint.invoke(body="21", content_type="text/csv", accept="application/json")
    predicted = json.loads(answer.body.read())
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    model.delete()
    return predicted


def register(artifact: str) -> dict[str, Any]:
    """Status and image of a version as `get` and `get_all` find it."""
    group = ModelPackageGroup.create(model_package_group_name=NAME)
    # create and delete of 3.27 need the name of a package, which versions of a group do not have
    client = ModelPackage.get_sagemaker_client()
    arn = client.create_model_package(
        ModelPackageGroupName=NAME,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": artifact}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    found = ModelPackage.get(model_package_name=arn)
    found.update(model_approval_status="Approved")
    found.refresh()
    listed = [each.model_package_arn for each in ModelPackage.get_all(model_package_group_name=NAME)]
    result = {"approval": found.model_approval_status, "version": found.model_package_version}
    client.delete_model_package(ModelPackageName=arn)
    group.delete()
    return result | {"listed": listed == [arn], "image": found.inference_specification.containers[0].image}


def keep_features() -> dict[str, Any]:
    """What a feature group gives back, before and after deleting, and that the group can be listed and deleted."""
    frame = pandas.DataFrame({"flight": ["a", "b"], "delay": [1.5, 2.5], "at": ["2026-01-01T00:00:00Z"] * 2})
    definitions = load_feature_definitions_from_dataframe(frame.convert_dtypes())
    group = FeatureGroup.create(
        feature_group_name=NAME,
        record_identifier_feature_name="flight",
        event_time_feature_name="at",
        feature_definitions=definitions,
        online_store_config=OnlineStoreConfig(enable_online_store=True),
        offline_store_config=OfflineStoreConfig(s3_storage_config=S3StorageConfig(s3_uri=f"s3://{BUCKET}/features")),
        role_arn=ROLE,
    )
    group.wait_for_status("Created", poll=1)
    ingest_dataframe(feature_group_name=NAME, data_frame=frame, max_workers=1)
    group.put_record(
        record=[
            FeatureValue(feature_name="flight", value_as_string="a"),
            FeatureValue(feature_name="delay", value_as_string="9.0"),
            FeatureValue(feature_name="at", value_as_string="2026-01-02T00:00:00Z"),
        ]
    )
    record = group.get_record(record_identifier_value_as_string="a").record
    group.delete_record(record_identifier_value_as_string="b", event_time="2026-01-03T00:00:00Z")
    listed = [each.feature_group_name for each in FeatureGroup.get_all(name_contains=NAME)]
    left = group.list_records().record_identifiers
    group.delete()
    group.wait_for_delete(poll=1)
    return {
        "types": {each.feature_name: each.feature_type for each in definitions},
        "record": {each.feature_name: each.value_as_string for each in record},
        "left": left,
        "listed": listed == [NAME],
    }


with tempfile.TemporaryDirectory() as folder:
    artifact = train(Path(folder))
done = {"predicted": serve(artifact), "package": register(artifact), "features": keep_features()}
print("\n" + json.dumps(done))  # the SDK leaves a line unfinished
