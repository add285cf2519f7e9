"""What the Lambda tests share: a bench that makes functions and invokes them."""

import base64
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .conftest import LocalCloud

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
)

Eventually = Callable[..., Any]

WHO = "import os\ndef handler(event, context):\n    return os.getpid()"


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@dataclass
class Outcome:
    """An answer of Invoke."""

    value: Any
    error: str | None
    log: str


@dataclass
class Bench:
    """Makes functions and invokes them."""

    cloud: LocalCloud
    role: str
    api: Any = field(init=False)

    def __post_init__(self) -> None:
        self.api = self.cloud.client("lambda")

    def function(self, code: str, **configuration: Any) -> str:
        """The name of a new function whose app.py is `code`."""
        name = f"fn-{uuid.uuid4().hex[:12]}"
        given = {"Timeout": 30, "MemorySize": 256, "Runtime": "python3.12", **configuration}
        files = {"ZipFile": zipped({"app.py": code})}
        self.api.create_function(FunctionName=name, Role=self.role, Handler="app.handler", Code=files, **given)
        return name

    def layer(self, files: dict[str, str]) -> str:
        """The ARN of a new layer version."""
        published = self.api.publish_layer_version(
            LayerName=f"layer-{uuid.uuid4().hex[:12]}", Content={"ZipFile": zipped(files)}
        )
        return str(published["LayerVersionArn"])

    def invoke(self, name: str, event: Any = None) -> Outcome:
        """The function has been invoked synchronously."""
        answer = self.api.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        return Outcome(json.loads(answer["Payload"].read()), answer.get("FunctionError"), log)

    def queue(self) -> str:
        """The URL of a new queue."""
        return str(self.cloud.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}")["QueueUrl"])

    def queue_arn(self, url: str) -> str:
        return f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"

    def message(self, url: str) -> Any:
        """The next message of a queue, or None."""
        messages = self.cloud.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
        return next(iter(messages.get("Messages", [])), None)


def make_bench(cloud: LocalCloud) -> Bench:
    """A bench with a role that may do anything."""
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=f"lambda-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="all", PolicyDocument=ALLOW_ALL)
    return Bench(cloud, role["Arn"])
