"""IAM: resource policies, passing and assuming roles, services that act in a role's name, users."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, Statement, allow
from .identities import code_of, deny, is_denied, open_role

pytestmark = pytest.mark.iam


@pytest.fixture
def bucket(account: Account) -> str:
    name = account.bucket()
    account.client("s3").put_object(Bucket=name, Key="in/a", Body=b"a")
    return name


# resource policies ---------------------------------------------------------------------------------------------------


def test_a_bucket_policy_lets_a_role_in_and_keeps_one_out(account: Account, bucket: str) -> None:
    resource = f"arn:aws:s3:::{bucket}/*"
    invited, banned = open_role(account), open_role(account, allow("s3:*"))
    statements = [
        allow("s3:GetObject", on=resource, Principal={"AWS": invited}),
        deny("s3:GetObject", on=resource, Principal={"AWS": banned}),
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    read = {"Bucket": bucket, "Key": "in/a"}
    assert account.wait_until(lambda: not code_of(account.client_of(invited, "s3").get_object, **read))
    assert is_denied(account.client_of(banned, "s3").get_object, **read)
    assert is_denied(account.client_of(invited, "s3").put_object, **read, Body=b"")


def test_a_missing_object_is_only_missing_to_those_who_may_list(account: Account, bucket: str) -> None:
    read = {"Bucket": bucket, "Key": "nothing"}
    assert code_of(account.as_role("s3", allow("s3:GetObject")).get_object, **read) == "AccessDenied"
    assert code_of(account.as_role("s3", allow("s3:GetObject", "s3:ListBucket")).get_object, **read) == "NoSuchKey"


def test_a_topic_reaches_only_queues_whose_policy_lets_it_in(account: Account) -> None:
    sns, sqs = account.client("sns"), account.client("sqs")
    topic = sns.create_topic(Name=account.unique("topic"))["TopicArn"]
    account.later(sns.delete_topic, TopicArn=topic)
    url, arn = account.queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="lost")
    from_topic = {"ArnEquals": {"aws:SourceArn": topic}}
    let_in = allow("sqs:SendMessage", on=arn, Principal={"Service": "sns.amazonaws.com"}, Condition=from_topic)
    document = json.dumps({"Version": "2012-10-17", "Statement": [let_in]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})

    def arrived() -> list[str]:
        sns.publish(TopicArn=topic, Message="found")
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        return [one["Body"] for one in got.get("Messages", [])]

    assert set(account.wait_until(arrived)) == {"found"}


def test_a_queue_policy_lets_a_role_in_that_has_no_policy_itself(account: Account) -> None:
    url, arn = account.queue()
    role = open_role(account)
    message = {"QueueUrl": url, "MessageBody": "hello"}
    assert is_denied(account.client_of(role, "sqs").send_message, **message)
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow("sqs:SendMessage", on=arn, Principal={"AWS": role})]}
    )
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    assert account.wait_until(lambda: not code_of(account.client_of(role, "sqs").send_message, **message))


def test_an_event_bus_policy_denies_what_identity_policies_allow(account: Account) -> None:
    events, name = account.client("events"), account.unique("bus")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    account.later(events.delete_event_bus, Name=name)
    role = open_role(account, allow("events:PutEvents"))
    entry = {"Source": "test", "DetailType": "Test", "Detail": "{}", "EventBusName": name}
    assert not code_of(account.client_of(role, "events").put_events, Entries=[entry])
    banned = deny("events:PutEvents", on=arn, Principal={"AWS": role}) | {"Sid": "one"}
    events.put_permission(EventBusName=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [banned]}))
    assert account.wait_until(lambda: is_denied(account.client_of(role, "events").put_events, Entries=[entry]))


def test_a_function_policy_lets_a_role_in_that_has_no_policy_itself(account: Account) -> None:
    function, role = account.function("def handler(event, context):\n    return 1\n"), open_role(account)
    invoke = {"FunctionName": function}
    assert is_denied(account.client_of(role, "lambda").invoke, **invoke)
    account.client("lambda").add_permission(
        FunctionName=function, StatementId="one", Action="lambda:InvokeFunction", Principal=role
    )
    assert account.wait_until(lambda: not code_of(account.client_of(role, "lambda").invoke, **invoke))


# roles ---------------------------------------------------------------------------------------------------------------


def test_passing_a_role_needs_a_permission_for_that_role_and_service(account: Account) -> None:
    passed = account.role("states.amazonaws.com")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    create = {"definition": definition, "roleArn": passed}
    states = account.client("stepfunctions")

    def made(*statements: Statement) -> str:
        client = account.as_role("stepfunctions", allow("states:CreateStateMachine"), *statements)
        try:
            machine = client.create_state_machine(name=account.unique("machine"), **create)["stateMachineArn"]
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        account.later(states.delete_state_machine, stateMachineArn=machine)
        return ""

    to = {
        service: {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        for service in ("lambda", "states")
    }
    assert made() == "AccessDeniedException"
    assert made(allow("iam:PassRole", on=f"{passed}x")) == "AccessDeniedException"
    assert made(allow("iam:PassRole", on=passed, Condition=to["lambda"])) == "AccessDeniedException"
    assert made(allow("iam:PassRole", on=passed, Condition=to["states"])) == ""


def test_a_role_assumes_another_when_both_sides_allow_it(account: Account) -> None:
    target = open_role(account)
    asked = {"RoleArn": target, "RoleSessionName": "two"}
    assert is_denied(account.as_role("sts").assume_role, **asked)
    assert not code_of(account.as_role("sts", allow("sts:AssumeRole", on=target)).assume_role, **asked)
    closed = account.role("ec2.amazonaws.com")
    able = account.as_role("sts", allow("sts:AssumeRole"))
    assert is_denied(able.assume_role, **asked | {"RoleArn": closed})
    assert is_denied(able.assume_role, **asked | {"RoleArn": f"{target}x"})


def test_a_trust_policy_can_ask_for_an_external_id(account: Account) -> None:
    principal = {"AWS": f"arn:aws:iam::{account.number}:root"}
    asked = {"StringEquals": {"sts:ExternalId": "secret"}}
    role = account.role("ec2.amazonaws.com", Principal=principal, Condition=asked)
    sts = account.as_role("sts", allow("sts:AssumeRole", on=role))
    assert is_denied(sts.assume_role, RoleArn=role, RoleSessionName="one")
    assert is_denied(sts.assume_role, RoleArn=role, RoleSessionName="one", ExternalId="other")
    assert not code_of(sts.assume_role, RoleArn=role, RoleSessionName="one", ExternalId="secret")


def test_a_role_serves_the_resource_that_its_trust_policy_names(account: Account) -> None:
    states, name = account.client("stepfunctions"), account.unique("machine")
    machine = f"arn:aws:states:{account.region}:{account.number}:stateMachine:{name}"
    url, _arn = account.queue()
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "hello"},
        "End": True,
    }
    definition = json.dumps({"StartAt": "Send", "States": {"Send": send}})

    def ends(source: str) -> str:
        conditions = {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": account.number}}
        role = account.role("states.amazonaws.com", allow("sqs:SendMessage"), Condition=conditions)
        made = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
        try:
            run = states.start_execution(stateMachineArn=made)["executionArn"]
            done = account.wait_until(lambda: _ended(states, run))
            return str(done)
        finally:
            states.delete_state_machine(stateMachineArn=made)
            account.wait_until(lambda: code_of(states.describe_state_machine, stateMachineArn=made))

    assert ends(f"{machine}-other") == "FAILED"
    assert ends(machine) == "SUCCEEDED"


def _ended(states: Any, execution: str) -> str:
    status = str(states.describe_execution(executionArn=execution)["status"])
    return "" if status == "RUNNING" else status


def test_a_function_that_may_not_write_logs_runs_and_logs_nothing(account: Account) -> None:
    source = "def handler(event, context):\n    print('hello')\n    return 1\n"
    able, unable = account.function(source), account.function(source, deny("logs:*"))
    for function in (able, unable):
        assert account.client("lambda").invoke(FunctionName=function)["Payload"].read() == b"1"
    logs = account.client("logs")

    def streams(function: str) -> list[Any]:
        group = f"/aws/lambda/{function.rpartition(':')[2]}"
        try:
            return list(logs.describe_log_streams(logGroupName=group)["logStreams"])
        except ClientError:
            return []

    account.later(logs.delete_log_group, logGroupName=f"/aws/lambda/{able.rpartition(':')[2]}")
    assert account.wait_until(lambda: streams(able))
    assert not streams(unable)


# users ---------------------------------------------------------------------------------------------------------------


def test_a_user_has_own_and_group_policies_and_keys_that_can_be_turned_off(account: Account, bucket: str) -> None:
    iam, user, group = account.client("iam"), account.unique("user"), account.unique("group")
    iam.create_user(UserName=user)
    account.later(iam.delete_user, UserName=user)
    iam.create_group(GroupName=group)
    account.later(iam.delete_group, GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    account.later(iam.remove_user_from_group, GroupName=group, UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    account.later(iam.delete_access_key, UserName=user, AccessKeyId=made["AccessKeyId"])
    s3 = account.client("s3", key=made["AccessKeyId"], secret=made["SecretAccessKey"])
    read = {"Bucket": bucket, "Key": "in/a"}
    assert account.wait_until(lambda: is_denied(s3.get_object, **read))
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]})
    iam.put_group_policy(GroupName=group, PolicyName="read", PolicyDocument=document)
    account.later(iam.delete_group_policy, GroupName=group, PolicyName="read")
    assert account.wait_until(lambda: not code_of(s3.get_object, **read))
    iam.update_access_key(UserName=user, AccessKeyId=made["AccessKeyId"], Status="Inactive")
    assert account.wait_until(lambda: code_of(s3.get_object, **read) == "InvalidAccessKeyId")
