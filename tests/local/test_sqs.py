"""Queues on the virtual clock: what waits, waits virtually; what is being worked on, stays hidden in real time."""

from .conftest import LocalCloud
from .iam_support import unique


def test_a_delayed_message_comes_after_a_jump(own_cloud: LocalCloud) -> None:
    sqs = own_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    own_cloud.advance(901)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "later"


def test_a_jump_gives_no_message_to_a_second_worker(own_cloud: LocalCloud) -> None:
    sqs = own_cloud.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"), Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="work")
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    own_cloud.advance(3600)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
