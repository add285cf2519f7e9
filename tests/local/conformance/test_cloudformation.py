"""CloudFormation: what a stack makes, changes, replaces, takes back and leaves."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .stacks import (
    BAD_QUEUE,
    QUEUE,
    change_set,
    delete,
    deploy,
    events_of,
    note,
    noted,
    outputs_of,
    queue_attribute,
    remove,
    resources_of,
    settled,
    statuses_of,
    template,
)

pytestmark = pytest.mark.cloudformation


def named_queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}, **more}


def exists(account: Account, url: str) -> bool:
    sqs = account.client("sqs")
    try:
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    except sqs.exceptions.QueueDoesNotExist:
        return False
    return True


def test_a_stack_is_created_in_the_order_of_its_references_and_deleted_in_reverse(account: Account) -> None:
    stack = account.unique("stack")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
    }
    properties = {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    body = template(
        {"Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}, "Queue": QUEUE},
        Outputs={"Url": {"Value": {"Ref": "Queue"}}, "Arn": {"Value": {"Fn::Sub": "${Queue.Arn}"}}},
    )
    made = deploy(account, stack, body)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    url, arn = outputs_of(made)["Url"], outputs_of(made)["Arn"]
    assert queue_attribute(account, url, "VisibilityTimeout") == "60"
    assert queue_attribute(account, url, "QueueArn") == arn
    assert json.loads(queue_attribute(account, url, "Policy"))["Statement"][0]["Resource"] == arn

    assert delete(account, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match=f"Stack with id {stack} does not exist"):
        account.client("cloudformation").describe_stacks(StackName=stack)
    events = account.client("cloudformation").describe_stack_events(StackName=made["StackId"])["StackEvents"]
    deleted = [one["LogicalResourceId"] for one in reversed(events) if one["ResourceStatus"] == "DELETE_COMPLETE"]
    assert deleted == ["Policy", "Queue", stack]


def test_every_step_of_a_resource_is_an_event_with_its_physical_id(account: Account) -> None:
    stack = account.unique("stack")
    made = deploy(account, stack, template({"Queue": QUEUE}))
    url = resources_of(account, stack)["Queue"]
    begun, initiated, complete = events_of(account, stack, "Queue")
    assert (begun["ResourceStatus"], begun.get("PhysicalResourceId") or "") == ("CREATE_IN_PROGRESS", "")
    assert (initiated["ResourceStatus"], initiated["PhysicalResourceId"]) == ("CREATE_IN_PROGRESS", url)
    assert initiated["ResourceStatusReason"] == "Resource creation Initiated"
    assert (complete["ResourceStatus"], complete["PhysicalResourceId"]) == ("CREATE_COMPLETE", url)
    own = [one["ResourceStatus"] for one in events_of(account, stack, stack)]
    assert own == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert {one["StackId"] for one in events_of(account, stack, stack)} == {made["StackId"]}


def test_an_update_changes_in_place_what_it_can_and_replaces_the_rest_with_what_refers_to_it(account: Account) -> None:
    stack, first, second = account.unique("stack"), account.unique("one"), account.unique("two")

    def body(name: str, seconds: int) -> str:
        plain = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}
        return template({"Named": named_queue(name), "Plain": plain, "Note": note({"Fn::GetAtt": "Named.Arn"})})

    deploy(account, stack, body(first, 10))
    before = resources_of(account, stack)
    assert deploy(account, stack, body(second, 20), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"
    after = resources_of(account, stack)
    assert after["Plain"] == before["Plain"]
    assert after["Named"] != before["Named"]
    assert queue_attribute(account, after["Plain"], "VisibilityTimeout") == "20"
    assert noted(account, stack).endswith(f":{second}")
    account.wait_until(lambda: not exists(account, before["Named"]))
    own = [one["ResourceStatus"] for one in events_of(account, stack, stack)]
    assert own[-3:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert statuses_of(account, stack, "Named")[-4:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_a_property_that_is_taken_away_has_its_default_again(account: Account) -> None:
    stack = account.unique("stack")
    deploy(account, stack, template({"Queue": QUEUE}))
    deploy(account, stack, template({"Queue": {"Type": "AWS::SQS::Queue"}}), "UPDATE")
    assert queue_attribute(account, resources_of(account, stack)["Queue"], "VisibilityTimeout") == "30"


def test_a_named_resource_is_not_replaced_under_its_own_name(account: Account) -> None:
    stack, name = account.unique("stack"), account.unique("topic")

    def body(fifo: bool) -> str:
        properties = {"TopicName": f"{name}.fifo", "FifoTopic": fifo, "ContentBasedDeduplication": fifo}
        return template({"Topic": {"Type": "AWS::SNS::Topic", "Properties": properties}})

    deploy(account, stack, body(True))
    assert deploy(account, stack, body(False), "UPDATE")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [one.get("ResourceStatusReason", "") for one in events_of(account, stack, "Topic")]
    assert any("custom-named resource requires replacing" in reason for reason in reasons)


def test_a_failed_create_leaves_nothing_and_can_only_be_deleted(account: Account) -> None:
    stack, bucket = account.unique("stack"), account.unique("bucket")
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}},
        "Bad": BAD_QUEUE | {"DependsOn": "Bucket"},
    }
    assert deploy(account, stack, template(resources))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert statuses_of(account, stack, "Bad")[:2] == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert statuses_of(account, stack, "Bucket")[-1] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="404"):
        account.client("s3").head_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        change_set(account, stack, template(resources))


def test_without_rollback_a_failed_create_stays_as_it_failed(account: Account) -> None:
    stack = account.unique("stack")
    account.later(remove, account=account, stack=stack)
    account.client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=template({"Queue": QUEUE, "Bad": BAD_QUEUE | {"DependsOn": "Queue"}}),
        DisableRollback=True,
    )
    assert settled(account, stack)["StackStatus"] == "CREATE_FAILED"
    assert exists(account, resources_of(account, stack)["Queue"])


def test_a_failed_update_restores_what_was_changed_replaced_and_added(account: Account) -> None:
    stack, first, second = account.unique("stack"), account.unique("one"), account.unique("two")

    def resources(name: str, seconds: int) -> dict[str, Any]:
        plain = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}
        return {"Named": named_queue(name), "Plain": plain}

    deploy(account, stack, template(resources(first, 10)))
    before = resources_of(account, stack)
    bad = BAD_QUEUE | {"DependsOn": ["Named", "Plain", "Added"]}
    failing = template(resources(second, 20) | {"Added": QUEUE, "Bad": bad})
    assert deploy(account, stack, failing, "UPDATE")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    after = resources_of(account, stack)
    assert {name: after[name] for name in before} == before
    assert queue_attribute(account, before["Plain"], "VisibilityTimeout") == "10"
    account.wait_until(lambda: not exists(account, before["Named"].replace(first, second)))
    assert deploy(account, stack, template(resources(first, 30)), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"


def test_a_retained_resource_stays_when_its_stack_goes_or_lets_go_of_it(account: Account) -> None:
    stack, name = account.unique("stack"), account.unique("queue")
    kept, gone = QUEUE | {"DeletionPolicy": "Retain"}, QUEUE
    retained = named_queue(name, UpdateReplacePolicy="Retain")
    made = deploy(account, stack, template({"Kept": kept, "Dropped": kept, "Gone": gone, "Replaced": retained}))
    urls = resources_of(account, stack)
    for logical_id in ("Kept", "Dropped", "Replaced"):
        account.later(account.client("sqs").delete_queue, QueueUrl=urls[logical_id])
    renamed = named_queue(f"{name}-2", UpdateReplacePolicy="Retain")
    deploy(account, stack, template({"Kept": kept, "Gone": gone, "Replaced": renamed}), "UPDATE")
    assert "DELETE_SKIPPED" in statuses_of(account, stack, "Dropped")
    assert "DELETE_SKIPPED" in statuses_of(account, stack, "Replaced")
    delete(account, made["StackId"])
    assert all(exists(account, urls[logical_id]) for logical_id in ("Kept", "Dropped", "Replaced"))
    account.wait_until(lambda: not exists(account, urls["Gone"]))


def test_what_is_retained_except_on_create_goes_when_its_creation_is_rolled_back(account: Account) -> None:
    stack = account.unique("stack")
    resources = {
        "Kept": QUEUE | {"DeletionPolicy": "Retain"},
        "Gone": QUEUE | {"DeletionPolicy": "RetainExceptOnCreate"},
        "Bad": BAD_QUEUE | {"DependsOn": ["Kept", "Gone"]},
    }
    deploy(account, stack, template(resources))
    assert statuses_of(account, stack, "Gone")[-1] == "DELETE_COMPLETE"
    assert statuses_of(account, stack, "Kept")[-1] == "DELETE_SKIPPED"
    account.client("sqs").delete_queue(QueueUrl=events_of(account, stack, "Kept")[-1]["PhysicalResourceId"])


def test_a_bucket_with_objects_fails_the_deletion(account: Account) -> None:
    stack, s3 = account.unique("stack"), account.client("s3")
    made = deploy(account, stack, template({"Bucket": {"Type": "AWS::S3::Bucket"}}))
    bucket = resources_of(account, stack)["Bucket"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    failed = delete(account, made["StackId"])
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert "[Bucket]" in failed["StackStatusReason"]
    s3.delete_object(Bucket=bucket, Key="a")
    assert delete(account, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(account: Account) -> None:
    stack, cloudformation = account.unique("stack"), account.client("cloudformation")
    deploy(account, stack, template({"Queue": QUEUE}))
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName=stack)
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)


def test_tags_of_the_stack_are_put_on_its_resources_and_follow_it(account: Account) -> None:
    stack = account.unique("stack")
    own = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "team", "Value": "own"}]}}
    body = template({"Own": own, "Plain": QUEUE})

    def tags(logical_id: str) -> dict[str, str]:
        found = account.client("sqs").list_queue_tags(QueueUrl=resources_of(account, stack)[logical_id]).get("Tags", {})
        return {key: value for key, value in found.items() if not key.startswith("aws:")}

    deploy(account, stack, body, Tags=[{"Key": "team", "Value": "all"}, {"Key": "stage", "Value": "dev"}])
    assert tags("Plain") == {"team": "all", "stage": "dev"}
    assert tags("Own") == {"team": "own", "stage": "dev"}
    deploy(account, stack, body, "UPDATE", Tags=[{"Key": "stage", "Value": "prod"}])
    assert tags("Plain") == {"stage": "prod"}
    assert tags("Own") == {"team": "own", "stage": "prod"}


def test_create_and_update_stack_work_without_change_sets(account: Account) -> None:
    stack, cloudformation = account.unique("stack"), account.client("cloudformation")
    account.later(remove, account=account, stack=stack)
    cloudformation.create_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE}))
    with pytest.raises(cloudformation.exceptions.AlreadyExistsException):
        cloudformation.create_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE}))
    assert settled(account, stack)["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE}))
    both = template({"Queue": QUEUE, "More": QUEUE})
    cloudformation.update_stack(StackName=stack, TemplateBody=both)
    assert settled(account, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert json.loads(json.dumps(cloudformation.get_template(StackName=stack)["TemplateBody"])) == json.loads(both)


def test_of_many_updates_at_once_one_is_carried_out(account: Account) -> None:
    stack, bodies = account.unique("stack"), [template({"Queue": QUEUE, f"More{n}": QUEUE}) for n in range(8)]
    deploy(account, stack, template({"Queue": QUEUE}))

    def update(body: str) -> bool:
        try:
            account.client("cloudformation").update_stack(StackName=stack, TemplateBody=body)
        except ClientError as error:
            return "_IN_PROGRESS state and can not be updated" not in str(error)
        return True

    with ThreadPoolExecutor(len(bodies)) as pool:
        begun = list(pool.map(update, bodies))
    assert settled(account, stack)["StackStatus"] == "UPDATE_COMPLETE"
    statuses = [one["ResourceStatus"] for one in events_of(account, stack, stack)]
    assert statuses.count("UPDATE_IN_PROGRESS") == statuses.count("UPDATE_COMPLETE") == begun.count(True) >= 1
