"""AWS::SQS::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.resource_type import Handling, ResourceType, words

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


def _is_fifo(handling: Handling) -> bool:
    return str(handling.properties.get("FifoQueue")).lower() == "true"


def _create_queue(handling: Handling) -> Mapping[str, Any]:
    properties = handling.properties
    attributes = {name: properties[name] for name in _ATTRIBUTES if name in properties}
    attributes |= {"FifoQueue": True} if _is_fifo(handling) else {}
    arguments = {"QueueName": handling.name, "Attributes": attributes, "Tags": properties.get("Tags")}
    return {**forward(handling.client, "create_queue", arguments), "QueueName": handling.name}


def _update_queue(handling: Handling) -> None:
    changed = {
        name: handling.properties.get(name, default) for name, default in _ATTRIBUTES.items() if handling.changed(name)
    }
    forward(handling.client, "set_queue_attributes", {"QueueUrl": handling.physical_id, "Attributes": changed})


def _put_policy(handling: Handling) -> None:
    queues = handling.properties["Queues"]
    _set_policy(handling, queues, handling.properties["PolicyDocument"])
    _set_policy(handling, [url for url in handling.old_properties.get("Queues") or [] if url not in queues], "")


def _delete_policy(handling: Handling) -> None:
    _set_policy(handling, handling.properties["Queues"], "")


def _set_policy(handling: Handling, queues: list[str], policy: Any) -> None:
    for url in queues:
        forward(handling.client, "set_queue_attributes", {"QueueUrl": url, "Attributes": {"Policy": policy}})


TYPES = [
    ResourceType(
        "AWS::SQS::Queue",
        "sqs",
        create=_create_queue,
        update=_update_queue,
        delete="delete_queue QueueUrl={ref}",
        properties=words("FifoQueue QueueName Tags") | frozenset(_ATTRIBUTES),
        replaced_by=words("FifoQueue QueueName"),
        named=("QueueName", 80),
        make_name=lambda handling: handling.generated_name(75) + (".fifo" if _is_fifo(handling) else ""),
        ref="{QueueUrl}",
        attributes={
            "Arn": "arn:aws:sqs:{region}:{account}:{QueueName}",
            "QueueName": "{QueueName}",
            "QueueUrl": "{ref}",
        },
        tagged="QueueUrl={ref}",
    ),
    ResourceType(
        "AWS::SQS::QueuePolicy",
        "sqs",
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
        properties=words("PolicyDocument Queues"),
        required=words("PolicyDocument Queues"),
        attributes={"Id": "{ref}"},
    ),
]
