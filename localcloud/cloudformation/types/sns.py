"""AWS::SNS::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.resource_type import Handling, ResourceType, attached_policy, words

# attribute: what it is when the template says nothing
_TOPIC: dict[str, Any] = {
    "ContentBasedDeduplication": False,
    "DisplayName": "",
    "FifoTopic": False,
    "KmsMasterKeyId": "",
    "SignatureVersion": "1",
}
_SUBSCRIPTION: dict[str, Any] = {
    "FilterPolicy": {},
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": False,
    "RedrivePolicy": "",
}
_OWNER_ACTIONS = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe Publish"


def _topic_name(handling: Handling) -> str:
    is_fifo = str(handling.properties.get("FifoTopic")).lower() == "true"
    return handling.generated_name(251) + (".fifo" if is_fifo else "")


def _given(handling: Handling, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: handling.properties[name] for name in names if name in handling.properties}


def _set_changed(handling: Handling, operation: str, arn_name: str, defaults: Mapping[str, Any]) -> None:
    for name, default in defaults.items():
        if handling.changed(name):
            value = {"AttributeName": name, "AttributeValue": handling.properties.get(name, default)}
            forward(handling.client, operation, {arn_name: handling.physical_id, **value})


def _create_topic(handling: Handling) -> Mapping[str, Any]:
    arguments = {"Name": handling.name, "Attributes": _given(handling, _TOPIC), "Tags": handling.properties.get("Tags")}
    return {**forward(handling.client, "create_topic", arguments), "TopicName": handling.name}


def _update_topic(handling: Handling) -> None:
    _set_changed(handling, "set_topic_attributes", "TopicArn", _TOPIC)


def _set_policy(handling: Handling, topic: str, policy: Any) -> None:
    value = {"AttributeName": "Policy", "AttributeValue": policy or _default_policy(handling, topic)}
    forward(handling.client, "set_topic_attributes", {"TopicArn": topic, **value})


def _default_policy(handling: Handling, topic: str) -> dict[str, Any]:
    """The policy that every topic begins with: its owner may do everything."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _OWNER_ACTIONS.split()],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": handling.stack.account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


def _subscribe(handling: Handling) -> Mapping[str, Any]:
    given = {name: handling.properties.get(name) for name in ("TopicArn", "Protocol", "Endpoint")}
    attributes = {"Attributes": _given(handling, _SUBSCRIPTION), "ReturnSubscriptionArn": True}
    return forward(handling.client, "subscribe", {**given, **attributes})


def _update_subscription(handling: Handling) -> None:
    _set_changed(handling, "set_subscription_attributes", "SubscriptionArn", _SUBSCRIPTION)


TYPES = [
    ResourceType(
        "AWS::SNS::Topic",
        "sns",
        create=_create_topic,
        update=_update_topic,
        delete="delete_topic TopicArn={ref}",
        properties=words("Tags TopicName") | frozenset(_TOPIC),
        replaced_by=words("FifoTopic TopicName"),
        without_effect=words("TracingConfig"),
        named=("TopicName", 256),
        make_name=_topic_name,
        ref="{TopicArn}",
        attributes={"TopicArn": "{TopicArn}", "TopicName": "{TopicName}"},
        tagged="ResourceArn={ref}",
    ),
    attached_policy("AWS::SNS::TopicPolicy", "sns", "Topics", _set_policy),
    ResourceType(
        "AWS::SNS::Subscription",
        "sns",
        create=_subscribe,
        update=_update_subscription,
        delete="unsubscribe SubscriptionArn={ref}",
        properties=words("Endpoint Protocol TopicArn") | frozenset(_SUBSCRIPTION),
        required=words("Protocol TopicArn"),
        replaced_by=words("Endpoint Protocol TopicArn"),
        ref="{SubscriptionArn}",
        attributes={"Arn": "{SubscriptionArn}"},
    ),
]
