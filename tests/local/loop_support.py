"""The deployed app seen through AWS's APIs: drops go in, executions and endpoints are looked at."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.conftest import ROOT, LocalCloud, wait_until

FIXTURE = "tests/fixtures/models/tiny"
ENVIRONMENT = "aws://123456789012/us-east-1"
PREFIX = "trimtab-dev-tiny"
DEPLOY_SECONDS = 300
STEP_SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """A finished execution: the state it ended in, and its output."""

    status: str
    state: str
    output: dict[str, Any]


def deploy(cloud: LocalCloud, folder: Path, model: str = FIXTURE) -> None:
    """The app with the fixture model, or others (folders, with commas between), is deployed by the real cdk command."""
    _cdk(cloud, folder, "bootstrap", ENVIRONMENT)
    _cdk(cloud, ROOT, "deploy", "--all", "--require-approval", "never", "-c", f"models={model}")


def deploy_stage(cloud: LocalCloud, folder: Path, **context: str) -> None:
    """What all models share is deployed, with values of the context, and no model."""
    _cdk(cloud, folder, "bootstrap", ENVIRONMENT)
    given = [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
    what = ("trimtab-dev-data", "trimtab-dev-control", "--require-approval", "never")
    _cdk(cloud, ROOT, "deploy", *what, "-c", f"models={FIXTURE}", *given)


def deploy_model(cloud: LocalCloud, model: str, name: str = "tiny") -> None:
    """The stack of the model called ``name`` is as its folder says now."""
    what = (f"trimtab-dev-model-{name}", "--exclusively")
    _cdk(cloud, ROOT, "deploy", *what, "--require-approval", "never", "-c", f"models={model}", output="cdk.model")


def deploy_again(cloud: LocalCloud) -> list[str]:
    """What the cdk command says of each stack when what was deployed is deployed once more."""
    assembly = ("--app", str(cloud.state_dir / "cdk.out"), "--progress", "events")
    told = _cdk(cloud, ROOT, "deploy", "--all", "--require-approval", "never", *assembly, output="cdk.again")
    return [line.partition("✅")[2].strip() for line in told.splitlines() if "✅" in line]


def _cdk(cloud: LocalCloud, folder: Path, *arguments: str, output: str = "cdk.out") -> str:
    command = [str(ROOT / "node_modules/.bin/cdk"), *arguments, "--output", str(cloud.state_dir / output)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | environment(cloud)
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=DEPLOY_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def environment(cloud: LocalCloud) -> dict[str, str]:
    """Variables that point AWS clients at the local cloud, and node's and python's paths."""
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
    }


class Loop:
    """One deployed model, from outside."""

    def __init__(self, cloud: LocalCloud, model: str = "tiny") -> None:
        self.cloud, self.model, self.prefix = cloud, model, f"trimtab-dev-{model}"
        self.sagemaker = cloud.client("sagemaker")
        self.runtime = cloud.client("sagemaker-runtime")
        self.states = cloud.client("stepfunctions")
        self.s3 = cloud.client("s3")
        self.data = self._outputs("trimtab-dev-data")
        self._seen = {machine: set[str]() for machine in ("intake", "training", "promotion", "monitoring", "recovery")}

    def _outputs(self, stack: str) -> dict[str, str]:
        found = self.cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    # drops -----------------------------------------------------------------------------------------------------------

    def drop(self, name: str, body: bytes, kind: str = "data") -> Ended:
        """How intake ended for the file."""
        self.settle("intake")
        self.s3.put_object(Bucket=self.data["DropsBucket"], Key=f"{self.model}/{kind}/{name}", Body=body)
        return self.next("intake")

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.data[bucket], Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    # executions ------------------------------------------------------------------------------------------------------

    def settle(self, machine: str) -> None:
        """What has run so far is old news."""
        self._seen[machine] |= {each["executionArn"] for each in self.executions(machine)}

    def executions(self, machine: str) -> list[dict[str, Any]]:
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{self.prefix}-{machine}"
        found: list[dict[str, Any]] = self.states.list_executions(stateMachineArn=arn)["executions"]
        return found

    def next(self, machine: str, seconds: float = STEP_SECONDS) -> Ended:
        """The oldest execution not looked at yet, once it has ended."""

        def look() -> str | None:
            fresh = [e for e in self.executions(machine) if e["executionArn"] not in self._seen[machine]]
            oldest = min(fresh, key=lambda each: each["startDate"], default=None)
            return oldest["executionArn"] if oldest and oldest["status"] != "RUNNING" else None

        arn = wait_until(look, seconds, lambda: f"no execution of {machine} ended; see {self.cloud.log}")
        self._seen[machine].add(arn)
        return self._ended(arn)

    def answered(self, state: str) -> None:
        """Recovery has ended an execution so; alarms that only tell may be answered before it."""
        wait_until(lambda: self.next("recovery").state == state, STEP_SECONDS, lambda: f"recovery never said {state}")

    def _ended(self, arn: str) -> Ended:
        found = self.states.describe_execution(executionArn=arn)
        history = self.states.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
        last = next((e["stateEnteredEventDetails"]["name"] for e in history if "stateEnteredEventDetails" in e), "")
        return Ended(found["status"], last, json.loads(found.get("output") or "{}"))

    def ledger_time(self, seq: int) -> str:
        """When the ledger's entry was made."""
        found = self.cloud.client("dynamodb").get_item(
            TableName=self.data["LedgerTable"], Key={"pk": {"S": self.model}, "sk": {"S": f"{seq:012d}"}}
        )
        return str(found["Item"]["at"]["S"])

    # registry and endpoint -------------------------------------------------------------------------------------------

    def versions(self) -> list[dict[str, Any]]:
        """Versions in the registry, newest first, as DescribeModelPackage gives them."""
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=self.prefix, SortBy="CreationTime")
        described = [
            self.sagemaker.describe_model_package(ModelPackageName=each["ModelPackageArn"])
            for each in listed["ModelPackageSummaryList"]
        ]
        return sorted(described, key=lambda each: -each["ModelPackageVersion"])

    def approve(self, package_arn: str) -> None:
        self.settle("promotion")
        self.sagemaker.update_model_package(ModelPackageArn=package_arn, ModelApprovalStatus="Approved")

    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.prefix)
        return found

    def captured(self) -> int:
        """Requests that data capture has written."""
        bucket = self.data["CapturesBucket"]
        keys = self.keys("CapturesBucket", f"{self.model}/capture/")
        return sum(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().count(b"\n") for key in keys)

    def alarm(self, metric: str) -> str:
        """State of the alarm on one of Trimtab's metrics."""
        alarms = self.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
        return next(str(each["StateValue"]) for each in alarms if each.get("MetricName") == metric)
