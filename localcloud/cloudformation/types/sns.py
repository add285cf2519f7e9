"""AWS::SNS::*"""

import json
from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_TOPIC_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DisplayName",
    "FifoTopic",
    "KmsMasterKeyId",
    "SignatureVersion",
)
_SUBSCRIPTION_ATTRIBUTES = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
_OWNER_ACTIONS = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe Publish"


def _create_topic(handling: Handling) -> Made:
    properties = handling.properties
    is_fifo = str(properties.get("FifoTopic", "")).lower() == "true"
    name = properties.get("TopicName") or handling.generated_name(251) + (".fifo" if is_fifo else "")
    arguments = {
        "Name": name,
        "Attributes": pick(properties, _TOPIC_ATTRIBUTES),
        "Tags": tag_list(properties),
    }
    arn = forward(handling.client("sns"), "create_topic", arguments)["TopicArn"]
    handling.begun(arn)
    _sync_inline_subscriptions(handling, arn)
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _update_topic(handling: Handling) -> Made:
    for name in _TOPIC_ATTRIBUTES:
        if handling.changed(name):
            value = handling.properties.get(name, "")
            arguments = {"TopicArn": handling.physical_id, "AttributeName": name, "AttributeValue": value}
            forward(handling.client("sns"), "set_topic_attributes", arguments)
    _sync_inline_subscriptions(handling, handling.physical_id)
    return Made(handling.physical_id, handling.attributes)


def _sync_inline_subscriptions(handling: Handling, topic: str) -> None:
    sns = handling.client("sns")
    new, old = (
        {(s["Protocol"], s["Endpoint"]) for s in one.get("Subscription") or []}
        for one in (handling.properties, handling.old_properties)
    )
    for protocol, endpoint in sorted(new - old):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    for found in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] if old - new else []:
        if (found["Protocol"], found["Endpoint"]) in old - new:
            sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


def _delete_topic(handling: Handling) -> None:
    handling.client("sns").delete_topic(TopicArn=handling.physical_id)


def _put_topic_policy(handling: Handling) -> Made:
    for topic in handling.properties["Topics"]:
        _set_policy(handling, topic, as_json(handling.properties["PolicyDocument"]))
    for topic in set(handling.old_properties.get("Topics") or []) - set(handling.properties["Topics"]):
        _set_policy(handling, topic, _default_policy(handling, topic))
    physical_id = handling.physical_id or handling.generated_name(100)
    return Made(physical_id, {"Id": physical_id})


def _delete_topic_policy(handling: Handling) -> None:
    for topic in handling.properties["Topics"]:
        _set_policy(handling, topic, _default_policy(handling, topic))


def _set_policy(handling: Handling, topic: str, policy: str) -> None:
    handling.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def _default_policy(handling: Handling, topic: str) -> str:
    """The policy that every topic begins with: its owner may do everything."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _OWNER_ACTIONS.split()],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": handling.stack.account}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def _subscribe(handling: Handling) -> Made:
    properties = handling.properties
    attributes: dict[str, Any] = pick(properties, _SUBSCRIPTION_ATTRIBUTES)
    arguments = pick(properties, ("TopicArn", "Protocol", "Endpoint"))
    arguments |= {"Attributes": attributes, "ReturnSubscriptionArn": True}
    arn = forward(handling.client("sns"), "subscribe", arguments)["SubscriptionArn"]
    return Made(arn, {"Arn": arn})


def _update_subscription(handling: Handling) -> Made:
    cleared = {"FilterPolicy": "{}", "RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
    for name in _SUBSCRIPTION_ATTRIBUTES:
        if handling.changed(name):
            value = handling.properties.get(name, cleared.get(name, ""))
            arguments = {"SubscriptionArn": handling.physical_id, "AttributeName": name, "AttributeValue": value}
            forward(handling.client("sns"), "set_subscription_attributes", arguments)
    return Made(handling.physical_id, handling.attributes)


def _unsubscribe(handling: Handling) -> None:
    handling.client("sns").unsubscribe(SubscriptionArn=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::SNS::Topic",
        properties=words("Subscription TopicName") | frozenset(_TOPIC_ATTRIBUTES),
        without_effect=words("TracingConfig"),
        attributes=words("TopicArn TopicName"),
        name_property="TopicName",
        replaced_by=words("FifoTopic"),
        create=_create_topic,
        update=_update_topic,
        delete=_delete_topic,
    ),
    ResourceType(
        "AWS::SNS::TopicPolicy",
        properties=words("PolicyDocument Topics"),
        attributes=words("Id"),
        create=_put_topic_policy,
        update=_put_topic_policy,
        delete=_delete_topic_policy,
    ),
    ResourceType(
        "AWS::SNS::Subscription",
        properties=words("Endpoint Protocol TopicArn") | frozenset(_SUBSCRIPTION_ATTRIBUTES),
        attributes=words("Arn"),
        replaced_by=words("Endpoint Protocol TopicArn"),
        create=_subscribe,
        update=_update_subscription,
        delete=_unsubscribe,
    ),
]
