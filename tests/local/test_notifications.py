"""Alarms and notices reach a receiver outside: deployed by cdk, called by SNS, over TLS, signed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.local.mutation.judging import excuses, unneeded
from tests.local.mutation.permissions import permissions
from tests.unit.notifications.example import is_genuine
from tests.unit.notifications.tls import Receiver, receiver
from trimtab.aws.notifier import TopicNotifier

from .conftest import LocalCloud, wait_until
from .loop_support import deploy_stage

pytestmark = pytest.mark.local

KEY, PARAMETER = "0123456789abcdef" * 4, "/trimtab/dev/ops"
OPS = {"name": "ops", "kind": "webhook", "parameter": PARAMETER, "private_network": True}
SECONDS = 120
CONTROL = "trimtab-dev-control"


@dataclass(frozen=True)
class Told:
    """A stage with one receiver."""

    cloud: LocalCloud
    receiver: Receiver
    topic: str
    key_arn: str

    def point(self, url: str) -> None:
        """The receiver's parameter has this address."""
        value = json.dumps({"url": url, "keys": [KEY], "ca": self.receiver.ca})
        self.cloud.client("ssm").put_parameter(
            Name=PARAMETER, Value=value, Type="SecureString", KeyId=self.key_arn, Overwrite=True
        )

    def bodies(self) -> list[dict[str, Any]]:
        """What has arrived, all of it verified as the page for users shows."""
        for headers, body in self.receiver.got:
            assert is_genuine()(headers, body, KEY)
        return [json.loads(body) for _, body in self.receiver.got]

    def heard(self, subject: str) -> dict[str, Any]:
        """The message of that subject, once it has arrived."""

        def look() -> dict[str, Any] | None:
            return next((body for body in self.bodies() if body["subject"] == subject), None)

        found: dict[str, Any] = wait_until(look, SECONDS, lambda: f"{self.bodies()}; see {self.cloud.log}")
        return found

    def logged(self) -> str:
        """Everything that functions have written to their logs."""
        logs = self.cloud.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return json.dumps([logs.filter_log_events(logGroupName=name)["events"] for name in groups])


@pytest.fixture(scope="module")
def told(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder: Path = tmp_path_factory.mktemp("receiver")
    deploy_stage(own_cloud, folder, notifications=json.dumps({"dev": [OPS]}))
    found = own_cloud.client("cloudformation").describe_stacks(StackName=CONTROL)["Stacks"][0]["Outputs"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found}
    with receiver(folder) as listening:
        made = Told(own_cloud, listening, outputs["Topic"], outputs["OperationsKey"])
        made.point(listening.url)
        yield made


def ring(told: Told, model: str) -> None:
    """The model's alarm on drift rings, and with it the page above it."""
    cloudwatch = told.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{model}-Drift",
        AlarmDescription=f"{model}: columns have drifted. What to do: docs/runbooks/drift-and-quality.md",
        Namespace="Trimtab",
        MetricName="PsiMax",
        Dimensions=[{"Name": "Model", "Value": model}],
        Statistic="Maximum",
        Period=86400,
        EvaluationPeriods=1,
        Threshold=0.25,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.put_composite_alarm(
        AlarmName=f"{model}-Page",
        AlarmDescription=f"{model}: what is measured is beyond its limits. What to do: docs/runbooks/page.md",
        AlarmRule=f'ALARM("{model}-Drift")',
        AlarmActions=[told.topic],
    )
    reason = "Threshold Crossed: 1 out of the last 1 datapoints [0.41 (01/01/26 12:00:00)] was greater than it"
    cloudwatch.set_alarm_state(AlarmName=f"{model}-Drift", StateValue="ALARM", StateReason=reason)


def test_a_page_of_cloudwatch_arrives_in_words_for_people(told: Told) -> None:
    ring(told, "paged")
    body = told.heard("[paged] what is measured is beyond its limits")
    assert body["how_much"] == ["columns have drifted: 0.41, limit 0.25"]
    assert body["done"] == ["nothing yet: recovery decides on each alarm within minutes"]
    assert (body["stage"], body["model"], body["state"]) == ("dev", "paged", "alarm")
    assert body["links"]["page"].endswith("/paged/reports/monitoring.html")


def test_a_notice_is_sent_again_to_a_receiver_that_was_busy_under_the_same_id(told: Told) -> None:
    told.receiver.answers = [(503, {})]
    notifier = TopicNotifier(told.cloud.client("sns"), told.topic, "noticed")
    notifier.send("version 2 serves", "Version 2 answers.", "Approved.", "Nothing.")

    def ids() -> list[str]:
        return [body["id"] for body in told.bodies() if body["model"] == "noticed"]

    wait_until(lambda: len(ids()) == 2, SECONDS, lambda: str(told.bodies()))
    assert len(set(ids())) == 1


def test_what_nobody_takes_is_kept_and_nothing_secret_is_told(told: Told) -> None:
    told.point(told.receiver.url.replace("https://127.0.0.1", "https://localhost"))
    notifier = TopicNotifier(told.cloud.client("sns"), told.topic, "lost")
    notifier.send("a notice", "What.", "Why.", "Nothing.")
    sqs = told.cloud.client("sqs")
    (queue,) = sqs.list_queues()["QueueUrls"]

    def kept() -> Any:
        told.cloud.advance(60)
        return sqs.receive_message(QueueUrl=queue).get("Messages")

    (message,) = wait_until(kept, SECONDS, told.logged)
    record = json.loads(message["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert "receiver 'ops' cannot be reached" in record["responsePayload"]["errorMessage"]
    told.point(told.receiver.url)
    for text in (told.logged(), json.dumps(record)):
        assert KEY not in text
        assert f":{told.receiver.port}" not in text


def test_a_receivers_function_needs_every_permission_that_it_has(told: Told) -> None:
    listed = excuses()
    own = {str(each) for each in permissions(told.cloud, CONTROL) if each.role.name.startswith("Webhooks")}
    assert len(own) > 8
    left = [each for each in unneeded(told.cloud, CONTROL) if each.role.name.startswith("Webhooks")]
    assert [str(each) for each in left if not any(one.covers(each) for one in listed)] == []
