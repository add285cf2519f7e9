"""AWS::SQS::*"""

from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, is_true, pick, tag_map
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

# attribute: what it is when the template says nothing
_ATTRIBUTES: dict[str, Any] = {
    "ContentBasedDeduplication": False,
    "DeduplicationScope": "queue",
    "DelaySeconds": 0,
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": 300,
    "KmsMasterKeyId": "",
    "MaximumMessageSize": 262144,
    "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": True,
    "VisibilityTimeout": 30,
}


def _create_queue(handling: Handling) -> Made:
    properties = handling.properties
    is_fifo = is_true(properties.get("FifoQueue", False))
    name = properties.get("QueueName") or handling.generated_name(75) + (".fifo" if is_fifo else "")
    attributes = pick(properties, _ATTRIBUTES) | ({"FifoQueue": True} if is_fifo else {})
    arguments = {"QueueName": name, "Attributes": attributes, "Tags": tag_map(properties)}
    url = forward(handling.client("sqs"), "create_queue", arguments)["QueueUrl"]
    return Made(url, {"Arn": handling.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _update_queue(handling: Handling) -> Made:
    changed = {
        name: handling.properties.get(name, default) for name, default in _ATTRIBUTES.items() if handling.changed(name)
    }
    if changed:
        arguments = {"QueueUrl": handling.physical_id, "Attributes": changed}
        forward(handling.client("sqs"), "set_queue_attributes", arguments)
    return Made(handling.physical_id, handling.attributes)


def _delete_queue(handling: Handling) -> None:
    handling.client("sqs").delete_queue(QueueUrl=handling.physical_id)


def _put_queue_policy(handling: Handling) -> Made:
    policy = as_json(handling.properties["PolicyDocument"])
    for queue in handling.properties["Queues"]:
        handling.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    _clear(handling, set(handling.old_properties.get("Queues") or []) - set(handling.properties["Queues"]))
    physical_id = handling.physical_id or handling.generated_name(100)
    return Made(physical_id, {"Id": physical_id})


def _delete_queue_policy(handling: Handling) -> None:
    _clear(handling, set(handling.properties["Queues"]))


def _clear(handling: Handling, queues: set[str]) -> None:
    for queue in sorted(queues):
        handling.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})


TYPES = [
    ResourceType(
        "AWS::SQS::Queue",
        properties=words("FifoQueue QueueName") | frozenset(_ATTRIBUTES),
        attributes=words("Arn QueueName QueueUrl"),
        name_property="QueueName",
        replaced_by=words("FifoQueue"),
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
    ),
    ResourceType(
        "AWS::SQS::QueuePolicy",
        properties=words("PolicyDocument Queues"),
        attributes=words("Id"),
        create=_put_queue_policy,
        update=_put_queue_policy,
        delete=_delete_queue_policy,
    ),
]
