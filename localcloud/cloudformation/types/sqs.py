"""AWS::SQS::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.resource_type import Handling, ResourceType, attached_policy, words

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


def _set_policy(handling: Handling, url: str, policy: Any) -> None:
    forward(handling.client, "set_queue_attributes", {"QueueUrl": url, "Attributes": {"Policy": policy or ""}})


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
    attached_policy("AWS::SQS::QueuePolicy", "sqs", "Queues", _set_policy),
]
