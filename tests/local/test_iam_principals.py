"""Who is asking: roles that are passed and assumed, services that act, sessions."""

from collections.abc import Callable
from typing import Any

from localcloud.clients import Clients

from .conftest import LocalCloud
from .iam_support import ACCOUNT, ClientOf, denied, document, make_role, statement, trust, unique


def test_a_service_assumes_only_roles_that_trust_it_for_that_source(cloud: LocalCloud, clients: Clients) -> None:
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:intake"
    plain = make_role(cloud, assumed_by=trust("states.amazonaws.com"))
    assert clients.role_credentials(plain, "states.amazonaws.com", "one").token
    with denied("AccessDenied", match="no trust policy allows"):
        clients.role_credentials(plain, "events.amazonaws.com", "one")
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": machine}}
    bound = make_role(cloud, assumed_by=trust("states.amazonaws.com", **condition))
    assert clients.role_credentials(bound, "states.amazonaws.com", "one", machine).token
    with denied("AccessDenied"):
        clients.role_credentials(bound, "states.amazonaws.com", "one", machine + "2")
    with denied("AccessDenied"):
        clients.role_credentials(bound, "states.amazonaws.com", "one")


def test_nobody_assumes_a_role_that_does_not_exist(cloud: LocalCloud) -> None:
    with denied("AccessDenied", match="no such role"):
        cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent", RoleSessionName="one")
    real = make_role(cloud)
    assert cloud.client("sts").assume_role(RoleArn=real, RoleSessionName="one")["Credentials"]


def test_a_service_sends_only_where_the_resource_policy_lets_it(cloud: LocalCloud, clients: Clients) -> None:
    sqs, rule = cloud.client("sqs"), f"arn:aws:events:us-east-1:{ACCOUNT}:rule/one"
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sender = clients.as_service("events.amazonaws.com", "sqs", source_arn=rule)
    with denied(match="no resource-based policy allows the sqs:SendMessage"):
        sender.send_message(QueueUrl=url, MessageBody="hello")
    allowed = statement(
        "sqs:SendMessage",
        arn,
        Principal={"Service": "events.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": rule}},
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(allowed)})
    sender.send_message(QueueUrl=url, MessageBody="hello")
    with denied():
        clients.as_service("events.amazonaws.com", "sqs", source_arn=rule + "2").send_message(
            QueueUrl=url, MessageBody="hello"
        )
    with denied():
        clients.as_service("sns.amazonaws.com", "sqs", source_arn=rule).send_message(QueueUrl=url, MessageBody="x")


def test_only_the_administrator_may_say_that_it_is_a_service(
    cloud: LocalCloud, acting: Callable[..., ClientOf]
) -> None:
    sqs = acting()("sqs")
    url = cloud.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]

    def pretend(request: Any, **_event: Any) -> None:
        request.headers["X-Localcloud-Caller"] = "events.amazonaws.com"

    sqs.meta.events.register("before-sign", pretend)
    with denied(match="/test is not authorized"):
        sqs.send_message(QueueUrl=url, MessageBody="hello")


def test_a_schedule_assumes_its_role_for_its_group(cloud: LocalCloud, eventually: Callable[..., Any]) -> None:
    group, sqs, scheduler = unique("group"), cloud.client("sqs"), cloud.client("scheduler")
    scheduler.create_schedule_group(Name=group)
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/{group}"}}
    trusted = trust("scheduler.amazonaws.com", **source)
    role = make_role(cloud, statement("sqs:SendMessage", arn), assumed_by=trusted)
    scheduler.create_schedule(
        Name="now",
        GroupName=group,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": "{}"},
    )
    cloud.advance(61)
    assert eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), 20)
    scheduler.delete_schedule(Name="now", GroupName=group)
