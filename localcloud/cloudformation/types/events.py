"""AWS::Events::*"""

from typing import Any

from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_DEFAULT_BUS = "default"
_BUS_SETTINGS = ("DeadLetterConfig", "Description", "KmsKeyIdentifier")


def _put_rule(handling: Handling) -> Made:
    properties, bus = handling.properties, _bus(handling.properties)
    name = _rule_name(handling.physical_id) or handling.name("Name", 64)
    arguments = pick(properties, ("Description", "RoleArn", "ScheduleExpression", "State"))
    arguments |= {"Name": name, "EventBusName": bus}
    if "EventPattern" in properties:
        arguments["EventPattern"] = as_json(properties["EventPattern"])
    arn = forward(handling.client("events"), "put_rule", arguments)["RuleArn"]
    physical_id = name if bus == _DEFAULT_BUS else f"{bus}|{name}"
    handling.begun(physical_id)
    _sync_targets(handling, name, bus)
    return Made(physical_id, {"Arn": arn, "RuleName": name})


def _sync_targets(handling: Handling, name: str, bus: str) -> None:
    events = handling.client("events")
    new, old = (one.get("Targets") or [] for one in (handling.properties, handling.old_properties))
    gone = sorted({target["Id"] for target in old} - {target["Id"] for target in new})
    if gone:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=gone)
    if new:
        answer = forward(events, "put_targets", {"Rule": name, "EventBusName": bus, "Targets": new})
        if answer.get("FailedEntryCount"):
            raise ResourceFailed(str(answer["FailedEntries"][0]["ErrorMessage"]))


def _delete_rule(handling: Handling) -> None:
    events, bus = handling.client("events"), _bus(handling.properties)
    name = _rule_name(handling.physical_id)
    targets = [target["Id"] for target in events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]]
    if targets:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=targets)
    events.delete_rule(Name=name, EventBusName=bus)


def _bus(properties: dict[str, Any]) -> str:
    """A rule's bus by name, for it may be given as an ARN."""
    return str(properties.get("EventBusName") or _DEFAULT_BUS).rpartition("/")[2]


def _rule_name(physical_id: str) -> str:
    return physical_id.rpartition("|")[2]


def _create_bus(handling: Handling) -> Made:
    name = handling.properties["Name"]
    arguments = pick(handling.properties, _BUS_SETTINGS) | {"Name": name, "Tags": tag_list(handling.properties)}
    arn = forward(handling.client("events"), "create_event_bus", arguments)["EventBusArn"]
    return Made(name, {"Arn": arn, "Name": name})


def _update_bus(handling: Handling) -> Made:
    arguments = pick(handling.properties, _BUS_SETTINGS) | {"Name": handling.physical_id}
    forward(handling.client("events"), "update_event_bus", arguments)
    return Made(handling.physical_id, handling.attributes)


def _delete_bus(handling: Handling) -> None:
    handling.client("events").delete_event_bus(Name=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::Events::Rule",
        properties=words("Description EventBusName EventPattern Name RoleArn ScheduleExpression State Targets"),
        attributes=words("Arn RuleName"),
        name_property="Name",
        replaced_by=words("EventBusName"),
        create=_put_rule,
        update=_put_rule,
        delete=_delete_rule,
    ),
    ResourceType(
        "AWS::Events::EventBus",
        properties=words("Name") | frozenset(_BUS_SETTINGS),
        attributes=words("Arn Name"),
        name_property="Name",
        create=_create_bus,
        update=_update_bus,
        delete=_delete_bus,
    ),
]
