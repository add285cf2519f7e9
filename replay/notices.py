"""What people are told, collected by a queue on the topic."""

import json
from typing import Any

from demo.scene import Scene

QUEUE = "replay-notices"


def subscribe(scene: Scene) -> None:
    """From now on a queue has every notification."""
    sqs, topic = scene.client("sqs"), scene.stage.control["Topic"]
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    scene.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def received(scene: Scene) -> list[dict[str, Any]]:
    """All notifications so far, as SNS wrote them; they are taken out of the queue."""
    sqs = scene.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
