"""What conformance tests of SageMaker share: a role, a bucket, and short ways to run scripts and serve models."""

import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any

from .account import Account, allow

# the registry of us-east-1; other regions keep the same images in other accounts
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
ENDED = ("Completed", "Failed", "Stopped")
_INFERENCE = """
import json, os, time

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)

def transform_fn(model, body, content_type, accept):
    if model.get("broken"):
        raise RuntimeError("the model is broken")
    time.sleep(model.get("seconds", 0))
    text = body if isinstance(body, str) else body.decode()
    return "".join(f"{model['version']}:{line}\\n" for line in text.splitlines()), "text/csv"
"""


@dataclass
class Workshop:
    """A bucket and a role that SageMaker may assume; what it makes is undone by its account."""

    account: Account

    def __post_init__(self) -> None:
        self.sagemaker = self.account.client("sagemaker")
        self.runtime = self.account.client("sagemaker-runtime")
        self.s3 = self.account.client("s3")
        self.bucket = self.account.bucket()
        actions = ("s3:*", "logs:*", "cloudwatch:*", "ecr:*", "sns:Publish")
        self.role = self.account.role("sagemaker.amazonaws.com", allow(*actions))

    def put(self, key: str, body: str | bytes) -> str:
        """The URI of a new object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        """The content of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def texts(self, prefix: str) -> dict[str, str]:
        """Every object below a prefix, by the rest of its key."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/").get("Contents", [])
        keys = [each["Key"] for each in found]
        return {key.removeprefix(f"{prefix}/"): self.get(f"s3://{self.bucket}/{key}").decode() for key in keys}

    def training(self, name: str, script: str, **more: Any) -> dict[str, Any]:
        """A CreateTrainingJob request that runs `script` from its channel `code`."""
        return {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/script.py"],
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([-0-9.e]+)"}],
            },
            "InputDataConfig": [channel("code", self.put(f"{name}/code/script.py", script))],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/{name}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **more,
        }

    def train(self, name: str, script: str, **more: Any) -> dict[str, Any]:
        """The description of a training job that has ended."""
        self.sagemaker.create_training_job(**self.training(name, script, **more))
        return self.ended("training", name)

    def ended(self, kind: str, name: str, seconds: float = 30) -> dict[str, Any]:
        """The description of a job ("training", "hyper_parameter_tuning") that has ended."""
        title = "".join(word.capitalize() for word in kind.split("_"))
        describe = getattr(self.sagemaker, f"describe_{kind}_job")

        def found() -> dict[str, Any] | None:
            job: dict[str, Any] = describe(**{f"{title}JobName": name})
            return job if job[f"{title}JobStatus"] in ENDED else None

        job: dict[str, Any] = self.account.wait_until(found, seconds)
        return job

    def stage(self, name: str) -> str:
        """The secondary status of a training job."""
        return str(self.sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"])

    def model(self, **properties: Any) -> str:
        """The name of a new model that answers every line of its input with its version before it."""
        name = self.account.unique("model")
        files = {"model.json": json.dumps({"version": "1"} | properties), "code/inference.py": _INFERENCE}
        container = {
            "Image": IMAGE,
            "ModelDataUrl": self.put(f"{name}/model.tar.gz", archive(files)),
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        }
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)
        self.account.later(self.sagemaker.delete_model, ModelName=name)
        return name

    def variant(self, name: str = "one", count: int = 1, weight: float = 1.0, **properties: Any) -> dict[str, Any]:
        """A production variant with a new model of these properties."""
        return {
            "VariantName": name,
            "ModelName": self.model(**properties),
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": count,
            "InitialVariantWeight": weight,
        }

    def config(self, *variants: dict[str, Any], **more: Any) -> str:
        """The name of a new endpoint configuration."""
        name = self.account.unique("config")
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **more)
        self.account.later(self.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        return name

    def endpoint(self, config: str) -> str:
        """The name of a new endpoint in service."""
        name = self.account.unique("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.account.later(self._delete, endpoint=name)
        found = self.settled(name)
        assert found["EndpointStatus"] == "InService", found
        return name

    def settled(self, endpoint: str) -> dict[str, Any]:
        """The endpoint's description once it is not changing any more."""

        def found() -> dict[str, Any] | None:
            seen: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=endpoint)
            return seen if seen["EndpointStatus"] not in ("Creating", "Updating", "RollingBack") else None

        settled: dict[str, Any] = self.account.wait_until(found, 30)
        return settled

    def ask(self, endpoint: str, body: str = "a", **more: Any) -> str:
        """The answer to one line."""
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body, **more)
        return str(answer["Body"].read().decode().strip())

    def _delete(self, endpoint: str) -> None:
        self.settled(endpoint)
        self.sagemaker.delete_endpoint(EndpointName=endpoint)


def channel(name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
    """An input channel of every object below a prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def archive(files: dict[str, str]) -> bytes:
    """A gzipped tar archive of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as target:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            target.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, str]:
    """The text files of a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(content)) as source:
        files = {member.name: source.extractfile(member) for member in source if member.isfile()}
        return {name: file.read().decode() for name, file in files.items() if file is not None}
