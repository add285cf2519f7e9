"""A CDK app that is not ours, deployed, changed, broken and destroyed by the CDK's own command line."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, LocalCloud, wait_until

APP = Path(__file__).parent / "foreign_app"
ACCOUNT = "aws://123456789012/us-east-1"


@dataclass
class Cdk:
    """The command line of the CDK in a folder of its own, pointed at a local cloud."""

    folder: Path
    cloud: LocalCloud

    def run(self, *arguments: str, step: str = "first", succeeds: bool = True) -> str:
        """What the command wrote."""
        program = [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments, "--app", self._assembly(step)]
        done = self._run(*program, "--progress", "events")
        assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
        return done.stdout + done.stderr

    def deploy(self, step: str, succeeds: bool = True) -> str:
        return self.run("deploy", "--all", "--require-approval", "never", step=step, succeeds=succeeds)

    def outputs(self, stack: str) -> dict[str, str]:
        (found,) = self.cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def physical_id(self, stack: str, logical_id: str) -> str:
        found = self.cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        return str(next(r["PhysicalResourceId"] for r in found if r["LogicalResourceId"].startswith(logical_id)))

    def _assembly(self, step: str) -> str:
        """The folder with the app's templates in one of its forms, synthesized once."""
        made = self.folder / f"cdk.out.{step}"
        if not made.exists():
            context = json.dumps({"step": step, "@aws-cdk/core:defaultCrossStackReferences": "strong"})
            done = self._run(sys.executable, "app.py", CDK_OUTDIR=str(made), CDK_CONTEXT_JSON=context)
            assert done.returncode == 0, done.stderr
        return str(made)

    def _run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, cwd=self.folder, env=self._environment() | more, capture_output=True, text=True)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        paths = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), kept["PATH"]])
        return kept | {
            "PATH": paths,
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_VERSION_CHECK": "1",
            "CDK_VALIDATION": "false",
            "CI": "true",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }


@pytest.fixture(scope="module")
def cdk(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    """The app in a folder of its own, bootstrapped and deployed in its first form."""
    folder = tmp_path_factory.mktemp("orders")
    shutil.copytree(APP, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    made = Cdk(folder, own_cloud)
    made.run("bootstrap", ACCOUNT)
    made.deploy("first")
    return made


def order(cdk: Cdk, identity: str, **more: Any) -> None:
    body = json.dumps({"id": identity, "what": "tea", "count": 2} | more)
    cdk.cloud.client("sqs").send_message(QueueUrl=cdk.outputs("orders")["IncomingUrl"], MessageBody=body)


def kept(cdk: Cdk, identity: str) -> dict[str, Any]:
    table = cdk.physical_id("orders-storage", "Orders")
    arguments = {"TableName": table, "Key": {"id": {"S": identity}}}
    return wait_until(lambda: cdk.cloud.client("dynamodb").get_item(**arguments).get("Item"), 30)  # type: ignore[no-any-return]


def test_what_is_deployed_works(cdk: Cdk) -> None:
    assert cdk.outputs("orders")["PricedRow"] == "tea"
    order(cdk, "one")
    assert kept(cdk, "one") == {"id": {"S": "one"}, "price": {"N": "10"}, "currency": {"S": "EUR"}}
    entry = {"Source": "shop", "DetailType": "Paid", "Detail": '{"id": "paid"}', "EventBusName": "orders"}
    assert cdk.cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert kept(cdk, "paid") == {"id": {"S": "paid"}}


def test_a_second_deployment_has_nothing_to_do(cdk: Cdk) -> None:
    assert cdk.deploy("first").count("(no changes)") == 2
    assert "Number of stacks with differences: 0" in cdk.run("diff", "--all")


def test_a_property_that_nobody_knows_is_told_before_anything_is_made(cdk: Cdk) -> None:
    before = cdk.outputs("orders")
    assert "extraneous key [Colour] is not permitted" in cdk.deploy("misspelt", succeeds=False)
    (stack,) = cdk.cloud.client("cloudformation").describe_stacks(StackName="orders")["Stacks"]
    assert (stack["StackStatus"], cdk.outputs("orders")) == ("CREATE_COMPLETE", before)


def test_a_broken_deployment_is_told_and_taken_back(cdk: Cdk) -> None:
    before = cdk.outputs("orders")
    told = cdk.deploy("broken", succeeds=False)
    assert "Can only include alphanumeric characters" in told
    (stack,) = cdk.cloud.client("cloudformation").describe_stacks(StackName="orders")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cdk.outputs("orders") == before
    order(cdk, "after")
    assert kept(cdk, "after")["currency"] == {"S": "EUR"}


def test_a_change_is_shown_then_made_in_place_or_by_replacement(cdk: Cdk) -> None:
    shown = cdk.run("diff", "orders", step="second")
    assert "requires replacement" in shown
    assert "[+] AWS::SQS::Queue" in shown
    assert "[-] AWS::SSM::Parameter" in shown
    before = {name: cdk.physical_id("orders", name) for name in ("Incoming", "ProcessOrder", "Alerts")}
    cdk.deploy("second")
    after = {name: cdk.physical_id("orders", name) for name in before}
    assert (after["Incoming"], after["ProcessOrder"]) == (before["Incoming"], before["ProcessOrder"])
    assert after["Alerts"].endswith(":orders-alarms")
    order(cdk, "two")
    assert kept(cdk, "two") == {"id": {"S": "two"}, "price": {"N": "14"}, "currency": {"S": "CHF"}}
    (alarm,) = cdk.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["AlarmActions"] == [after["Alerts"]]
    topics = [one["TopicArn"] for one in cdk.cloud.client("sns").list_topics()["Topics"]]
    assert topics == [after["Alerts"]]


def left(cloud: LocalCloud) -> dict[str, list[str]]:
    """What is in the account, but for what the bootstrap made."""
    listed = {
        "alarms": cloud.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "buckets": cloud.client("s3").list_buckets()["Buckets"],
        "functions": cloud.client("lambda").list_functions()["Functions"],
        "layers": cloud.client("lambda").list_layers()["Layers"],
        "mappings": cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        "buses": cloud.client("events").list_event_buses(NamePrefix="orders")["EventBuses"],
        "machines": cloud.client("stepfunctions").list_state_machines()["stateMachines"],
        "parameters": cloud.client("ssm").describe_parameters()["Parameters"],
        "queues": cloud.client("sqs").list_queues().get("QueueUrls", []),
        "roles": cloud.client("iam").list_roles()["Roles"],
        "schedules": cloud.client("scheduler").list_schedules()["Schedules"],
        "stacks": [one["StackName"] for one in cloud.client("cloudformation").describe_stacks()["Stacks"]],
        "tables": cloud.client("dynamodb").list_tables()["TableNames"],
        "topics": cloud.client("sns").list_topics()["Topics"],
    }
    kinds = {kind: [json.dumps(one, default=str) for one in found] for kind, found in listed.items()}
    return {kind: ours for kind, found in kinds.items() if (ours := [o for o in found if "cdk-" not in o.lower()])}


def test_when_it_is_destroyed_nothing_is_left_but_the_bootstrap(cdk: Cdk) -> None:
    assert "orders-alarms" in str(left(cdk.cloud))
    cdk.run("destroy", "--all", "--force", step="second")
    remains = left(cdk.cloud)
    assert remains == {"stacks": ['"CDKToolkit"']}
    keys = cdk.cloud.client("kms")
    states = [keys.describe_key(KeyId=one["KeyId"])["KeyMetadata"]["KeyState"] for one in keys.list_keys()["Keys"]]
    assert states == ["PendingDeletion"]
