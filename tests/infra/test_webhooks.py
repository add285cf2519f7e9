"""What a stage deploys for its receivers: nothing where there are none, and for each no more than it needs."""

import json
from typing import Any

import pytest
from aws_cdk import App

from stacks.control_stack import ControlStack
from stacks.data_stack import DataStack
from stacks.packaging import ROOT
from stacks.stage import stage_named
from stacks.synthesis import Template
from tests.infra.alarm_evaluation import Watched
from tests.infra.alarm_readings import Readings, delivered
from tests.infra.checks.permissions import policies_of
from tests.infra.conftest import Assembly
from tests.infra.test_alarm_proofs import _named, prove
from trimtab.errors import TrimtabError

TEAM = {"name": "team", "kind": "slack", "parameter": "/trimtab/dev/team"}
OPS = {"name": "ops", "kind": "webhook", "parameter": "/trimtab/dev/ops", "docs": "https://docs.test/main"}


@pytest.fixture(scope="module")
def template() -> Template:
    """The control stack of a stage with two receivers."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app, stage = App(context=context), stage_named("dev", {"dev": [TEAM, OPS]})
    data = DataStack(app, "data", stage=stage)
    ControlStack(app, "control", stage=stage, data=data, architecture="x86_64")
    found: Template = app.synth().get_stack_by_name("control").template
    return found


def of_type(template: Template, type: str) -> dict[str, Any]:
    """Properties by logical id."""
    found = template["Resources"].items()
    return {id: each.get("Properties", {}) for id, each in found if each["Type"] == type}


def functions(template: Template) -> dict[str, Any]:
    """Properties of the functions that tell receivers, by the receiver's name."""
    found = {}
    for properties in of_type(template, "AWS::Lambda::Function").values():
        settings = properties["Environment"]["Variables"]
        if settings["POWERTOOLS_SERVICE_NAME"] == "notify_webhook":
            found[json.loads(settings["TRIMTAB_RECEIVER"])["name"]] = properties
    return found


def test_a_stage_without_receivers_deploys_nothing_for_them(assembly: Assembly) -> None:
    assert assembly.resources("AWS::SNS::Subscription") == []
    control = [one.type for type in ("AWS::SQS::Queue", "AWS::CloudWatch::Alarm") for one in assembly.resources(type)
               if one.stack == "trimtab-dev-control"]  # fmt: skip
    assert control == []
    assert stage_named("dev", {"prod": [TEAM]}).receivers == ()


def test_each_receiver_has_a_function_that_hears_the_topic(template: Template) -> None:
    assert set(functions(template)) == {"team", "ops"}
    subscriptions = list(of_type(template, "AWS::SNS::Subscription").values())
    assert len(subscriptions) == 2
    for each in subscriptions:
        assert each["Protocol"] == "lambda"
        assert each["RedrivePolicy"]["deadLetterTargetArn"]
    permitted = of_type(template, "AWS::Lambda::Permission").values()
    assert [(each["Principal"], bool(each["SourceArn"])) for each in permitted] == [("sns.amazonaws.com", True)] * 2


def test_what_cannot_be_told_is_tried_three_times_and_then_kept(template: Template) -> None:
    configs = list(of_type(template, "AWS::Lambda::EventInvokeConfig").values())
    assert [each["MaximumRetryAttempts"] for each in configs] == [2, 2]
    assert all(each["DestinationConfig"]["OnFailure"]["Destination"] for each in configs)
    (queue,) = of_type(template, "AWS::SQS::Queue").values()
    assert queue["KmsMasterKeyId"]
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    allowed = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert [each["Principal"] for each in allowed] == [{"Service": "sns.amazonaws.com"}]
    assert "aws:SourceArn" in allowed[0]["Condition"]["ArnEquals"]


def test_a_function_may_read_its_own_parameter_and_nothing_that_holds_rows(template: Template) -> None:
    (team, ops) = (functions(template)[name]["Role"]["Fn::GetAtt"][0] for name in ("team", "ops"))
    own = {
        role: {"dynamodb:Query", "ssm:GetParameter", "cloudwatch:DescribeAlarms", "sqs:SendMessage"}
        for role in (team, ops)
    }
    for role, expected in own.items():
        statements = policies_of(template, role)
        actions = {action for each in statements for action in each.actions}
        ignored = {action for action in actions if action.startswith(("kms:", "logs:", "xray:"))}
        assert actions - ignored == expected
    read = [each.resources for each in policies_of(template, ops) if "ssm:GetParameter" in each.actions]
    assert [str(next(iter(resources))).rpartition(":")[2] for resources in read] == ["parameter/trimtab/dev/ops"]


def test_a_template_has_no_address_and_no_key_of_a_receiver() -> None:
    for secret in ("url", "keys", "ca"):
        with pytest.raises(TrimtabError, match="Extra inputs"):
            stage_named("dev", {"dev": [OPS | {secret: "https://hooks.test/T0/B0/secret"}]})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nowhere": [TEAM]}, "'nowhere' is no stage"),
        ({"dev": [TEAM, TEAM]}, "one name"),
        ({"dev": [TEAM | {"kind": "pager"}]}, "'slack' or 'webhook'"),
        ({"dev": [TEAM | {"docs": "http://plain.test"}]}, "docs"),
        ("{", "not receivers by stage"),
        ([TEAM], "not receivers by stage"),
    ],
)
def test_receivers_that_cannot_be_are_refused_at_synth(given: Any, said: str) -> None:
    with pytest.raises(TrimtabError, match=said):
        stage_named("dev", given)


def test_the_command_line_may_give_receivers_as_text() -> None:
    (found,) = stage_named("dev", json.dumps({"dev": [TEAM]})).receivers
    assert (found.name, found.kind, found.private_network) == ("team", "slack", False)


def test_a_message_that_was_not_delivered_rings(template: Template) -> None:
    (alarm,) = of_type(template, "AWS::CloudWatch::Alarm").values()
    ((_, queue),) = next(iter(Watched("Undelivered", alarm).metrics)).dimensions
    name = queue.replace(".", "-")
    renamed = [_named(delivered(name, lost)(), name, queue) for lost in (0, 1)]
    prove("Undelivered", alarm, Readings(lambda: renamed[0], lambda: renamed[1]))
    assert len(alarm["AlarmActions"]) == len(alarm["OKActions"]) == 1
