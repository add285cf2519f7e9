"""What the SageMaker tests share: a role, a bucket, tiny programs and models, and short ways to run them."""

import io
import json
import tarfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

_PAUSE_SECONDS = 0.03

TRAIN = """
import argparse, json, os, pathlib, shutil
import joblib
import numpy
from sklearn.linear_model import LogisticRegression

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strength", type=float, default=1.0)
    strength = parser.parse_args().strength
    data = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), delimiter=",")
    model = LogisticRegression(C=strength).fit(data[:, :-1], data[:, -1])
    print(f"accuracy={model.score(data[:, :-1], data[:, -1]):.4f};")
    folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir()
    shutil.copy(pathlib.Path(__file__).with_name("inference.py"), folder / "code")
    report = {"strength": strength, "job": os.environ["TRAINING_JOB_NAME"], "channels": os.environ["SM_CHANNELS"]}
    pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.json").write_text(json.dumps(report))

if __name__ == "__main__":
    main()
"""
INFERENCE = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
FAKE_MODEL = """
import json, os, time

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        model = json.load(file)
    if model.get("refuse_to_load"):
        raise ValueError("this model refuses to load")
    return model

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(rows, model):
    if model.get("broken"):
        raise RuntimeError("the model is broken")
    time.sleep(model.get("seconds", 0))
    return {"version": model["version"], "pid": os.getpid(), "rows": len(rows)}

def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""


def archive(files: dict[str, str]) -> bytes:
    """A gzipped tar archive of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as target:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            target.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(content)) as source:
        files = {member.name: source.extractfile(member) for member in source if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


@dataclass
class Studio:
    """A bucket and a role in a running local cloud, and short ways to use SageMaker with them."""

    cloud: LocalCloud
    bucket: str = field(default_factory=lambda: f"studio-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        self.sagemaker = self.cloud.client("sagemaker")
        self.runtime = self.cloud.client("sagemaker-runtime")
        self.s3 = self.cloud.client("s3")
        self.cloudwatch = self.cloud.client("cloudwatch")
        self.s3.create_bucket(Bucket=self.bucket)
        self.role = self.make_role(ALLOW_ALL)

    def make_role(self, policy: dict[str, Any] | None) -> str:
        """The ARN of a new role that SageMaker may assume."""
        iam, name = self.cloud.client("iam"), f"role-{uuid.uuid4().hex[:12]}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        if policy is not None:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return str(role["Arn"])

    def put(self, key: str, body: bytes | str) -> str:
        """The URI of a new object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        """The content of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix."""
        answer = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in answer.get("Contents", [])]

    def train(self, name: str, sources: dict[str, str], entry: str = "train.py", **more: Any) -> dict[str, Any]:
        """The description of a training job that has ended. `sources` are the files of its source archive."""
        request = self.training_request(name, sources, entry) | more
        self.sagemaker.create_training_job(**request)
        return self.ended_training(name)

    def training_request(self, name: str, sources: dict[str, str], entry: str = "train.py") -> dict[str, Any]:
        """A script-mode CreateTrainingJob request without input channels."""
        source = self.put(f"{name}/sourcedir.tar.gz", archive(sources))
        return {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": json.dumps(entry),
                "sagemaker_submit_directory": json.dumps(source),
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }

    def ended_training(self, name: str, seconds: float = 90) -> dict[str, Any]:
        """The description of the job once it has ended."""

        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        found: dict[str, Any] = wait_until(ended, seconds, lambda: f"{name} does not end")
        return found

    def config(self, model: dict[str, Any], **more: Any) -> str:
        """The name of a new endpoint configuration that serves FAKE_MODEL with these properties."""
        name = f"config-{uuid.uuid4().hex[:8]}"
        self.model(name, model)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": more.pop("instances", 2),
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **more)
        return name

    def model(self, name: str, model: dict[str, Any], **more: Any) -> None:
        """A model that runs FAKE_MODEL with these properties."""
        artifact = archive({"model.json": json.dumps(model), "code/inference.py": FAKE_MODEL})
        container = {
            "Image": IMAGE,
            "ModelDataUrl": self.put(f"fakes/{name}/model.tar.gz", artifact),
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role, **more)

    def endpoint(self, config: str, seconds: float = 60) -> str:
        """The name of a new endpoint in service."""
        name = f"endpoint-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        found = self.settled(name, seconds)
        assert found["EndpointStatus"] == "InService", found
        return name

    def settled(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """The endpoint's description once it is neither Creating nor Updating nor RollingBack."""

        def settled() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] in ("InService", "Failed") else None

        found: dict[str, Any] = wait_until(settled, seconds, lambda: f"{name} does not settle")
        return found

    def ask(self, endpoint: str, **more: Any) -> dict[str, Any]:
        """FAKE_MODEL's answer."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=b"[1, 2]", **more
        )
        found: dict[str, Any] = json.loads(answer["Body"].read())
        return found


class Traffic:
    """Several clients that keep asking an endpoint; counts which version answered and what failed."""

    def __init__(self, studio: Studio, endpoint: str, clients: int = 1) -> None:
        self._studio = studio
        self._endpoint = endpoint
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        self.versions: Counter[str] = Counter()
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                self.versions[str(self._studio.ask(self._endpoint)["version"])] += 1
            except ClientError as error:
                self.failures.append(str(error))

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def unique(name: str) -> str:
    """A name that nothing else in the session has."""
    return f"{name}-{time.time_ns()}"
