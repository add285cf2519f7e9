"""SQS and SNS: visibility, order, dead letters, batches, filters."""

import json
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow

pytestmark = pytest.mark.messaging


def bodies(account: Account, url: str, wanted: int = 1) -> list[str]:
    """The bodies of `wanted` messages, in the order of their arrival; received and deleted."""
    sqs, got = account.client("sqs"), list[str]()

    def receive() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            got.append(message["Body"])
        return len(got) >= wanted

    account.wait_until(receive)
    return got


def receive(account: Account, url: str, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.client("sqs").receive_message(QueueUrl=url, **asked).get("Messages", [])
    return found


def test_a_received_message_is_hidden_until_it_is_given_back(account: Account) -> None:
    sqs, (url, _arn) = account.client("sqs"), account.queue(VisibilityTimeout="30")
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    (first,) = account.wait_until(lambda: receive(account, url))
    assert not receive(account, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = account.wait_until(lambda: receive(account, url, AttributeNames=["ApproximateReceiveCount"]))
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert not receive(account, url)


def test_a_delayed_message_comes_when_its_time_has_passed(account: Account) -> None:
    sqs, (url, _arn) = account.client("sqs"), account.queue()
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=60)
    assert not receive(account, url)
    account.pass_time(61)
    assert bodies(account, url) == ["late"]


def test_what_is_received_too_often_is_a_dead_letter(account: Account) -> None:
    sqs, (dead, dead_arn) = account.client("sqs"), account.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, _arn = account.queue(VisibilityTimeout="0", RedrivePolicy=redrive)
    sqs.send_message(
        QueueUrl=url, MessageBody="poison", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}}
    )
    account.wait_until(lambda: receive(account, url))
    found = account.wait_until(
        lambda: receive(account, url) or receive(account, dead, MessageAttributeNames=["All"], WaitTimeSeconds=1)
    )
    assert (found[0]["Body"], found[0]["MessageAttributes"]["n"]["StringValue"]) == ("poison", "1")


def test_a_batch_says_of_each_message_whether_it_was_taken(account: Account) -> None:
    sqs, (url, _arn) = account.client("sqs"), account.queue()
    entries = [{"Id": "good", "MessageBody": "hello"}, {"Id": "bad", "MessageBody": "late", "DelaySeconds": 901}]
    said = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [one["Id"] for one in said["Successful"]] == ["good"]
    assert [one["Id"] for one in said["Failed"]] == ["bad"]
    with pytest.raises(ClientError) as refused:
        sqs.send_message_batch(QueueUrl=url, Entries=[entries[0], entries[0]])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


def test_a_fifo_queue_keeps_the_order_of_a_group_and_drops_duplicates(account: Account) -> None:
    sqs, name = account.client("sqs"), account.unique("queue") + ".fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    account.later(sqs.delete_queue, QueueUrl=url)
    for body, identity in (("1", "a"), ("2", "b"), ("1", "a"), ("3", "c")):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=identity)
    assert bodies(account, url, 3) == ["1", "2", "3"]
    assert not receive(account, url)


def test_a_queue_that_is_not_there_is_not_found(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        account.client("sqs").get_queue_url(QueueName=account.unique("none"))
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture
def topic(account: Account) -> str:
    sns = account.client("sns")
    arn = str(sns.create_topic(Name=account.unique("topic"))["TopicArn"])
    account.later(sns.delete_topic, TopicArn=arn)
    return arn


def subscribed(account: Account, topic: str, **attributes: str) -> str:
    """The URL of a queue that the topic sends to."""
    url, arn = account.queue()
    let_in = allow("sqs:SendMessage", on=arn, Principal={"Service": "sns.amazonaws.com"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let_in]})
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def test_a_message_arrives_in_an_envelope_or_raw(account: Account, topic: str) -> None:
    wrapped, raw = subscribed(account, topic), subscribed(account, topic, RawMessageDelivery="true")
    account.client("sns").publish(TopicArn=topic, Subject="s", Message="hello")
    envelope = json.loads(bodies(account, wrapped)[0])
    assert {"Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"} <= set(envelope)
    assert (envelope["Type"], envelope["TopicArn"], envelope["Message"]) == ("Notification", topic, "hello")
    assert bodies(account, raw) == ["hello"]


def test_a_filter_lets_through_what_it_describes(account: Account, topic: str) -> None:
    wanted = json.dumps({"kind": ["alarm", {"prefix": "drift"}]})
    url = subscribed(account, topic, RawMessageDelivery="true", FilterPolicy=wanted)
    sns = account.client("sns")
    for kind in ("info", "drift-high", "alarm"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)
    sns.publish(TopicArn=topic, Message="nothing")
    assert sorted(bodies(account, url, 2)) == ["alarm", "drift-high"]


def test_a_published_batch_says_of_each_message_whether_it_was_taken(account: Account, topic: str) -> None:
    url = subscribed(account, topic, RawMessageDelivery="true")
    said = account.client("sns").publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[{"Id": str(number), "Message": str(number)} for number in range(3)]
    )
    assert (len(said["Successful"]), said["Failed"]) == (3, [])
    assert sorted(bodies(account, url, 3)) == ["0", "1", "2"]


PRINTS = "import json\ndef handler(event, context):\n    print('HEARD', json.dumps(event))\n"


def heard(account: Account, function: str) -> list[Any]:
    """The events that a function has printed."""
    logs, group = account.client("logs"), f"/aws/lambda/{function.split(':')[6]}"
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    lines = (event["message"] for event in events if event["message"].startswith("HEARD "))
    return [json.loads(line.removeprefix("HEARD ")) for line in lines]


def test_a_function_hears_a_message_with_its_id_its_time_and_its_attributes(account: Account, topic: str) -> None:
    function, sns = account.function(PRINTS), account.client("sns")
    account.client("lambda").add_permission(
        FunctionName=function,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    attributes = {"model": {"DataType": "String", "StringValue": "tiny"}}
    sent = [
        sns.publish(TopicArn=topic, Message="first", Subject="s", MessageAttributes=attributes)["MessageId"],
        sns.publish(TopicArn=topic, Message="second")["MessageId"],
    ]
    account.wait_until(lambda: len(heard(account, function)) == 2, 30)
    told = {event["Records"][0]["Sns"]["MessageId"]: event["Records"] for event in heard(account, function)}
    assert set(told) == set(sent)
    (first,), (second,) = told[sent[0]], told[sent[1]]
    assert first["EventSource"] == "aws:sns"
    assert first["Sns"]["MessageAttributes"] == {"model": {"Type": "String", "Value": "tiny"}}
    assert (first["Sns"]["TopicArn"], first["Sns"]["Subject"], first["Sns"]["Message"]) == (topic, "s", "first")
    assert (second["Sns"]["Subject"], second["Sns"]["MessageAttributes"]) == (None, {})
    assert abs((datetime.fromisoformat(first["Sns"]["Timestamp"]) - account.now()).total_seconds()) < 600
