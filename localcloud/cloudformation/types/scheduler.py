"""AWS::Scheduler::*"""

from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_DEFAULT_GROUP = "default"
_SETTINGS = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
)


def _create_schedule(handling: Handling) -> Made:
    name = handling.name("Name", 64)
    arguments: dict[str, Any] = pick(handling.properties, _SETTINGS) | {"Name": name}
    arn = forward(handling.client("scheduler"), "create_schedule", arguments)["ScheduleArn"]
    return Made(name, {"Arn": arn})


def _update_schedule(handling: Handling) -> Made:
    arguments: dict[str, Any] = pick(handling.properties, _SETTINGS) | {"Name": handling.physical_id}
    arn = forward(handling.client("scheduler"), "update_schedule", arguments)["ScheduleArn"]
    return Made(handling.physical_id, {"Arn": arn})


def _delete_schedule(handling: Handling) -> None:
    group = handling.properties.get("GroupName") or _DEFAULT_GROUP
    handling.client("scheduler").delete_schedule(Name=handling.physical_id, GroupName=group)


def _create_group(handling: Handling) -> Made:
    name = handling.name("Name", 64)
    arguments = {"Name": name, "Tags": tag_list(handling.properties)}
    arn = forward(handling.client("scheduler"), "create_schedule_group", arguments)["ScheduleGroupArn"]
    return Made(name, {"Arn": arn, "State": "ACTIVE"})


def _delete_group(handling: Handling) -> None:
    handling.client("scheduler").delete_schedule_group(Name=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::Scheduler::Schedule",
        properties=frozenset(_SETTINGS) | words("Name"),
        attributes=words("Arn"),
        name_property="Name",
        replaced_by=words("GroupName"),
        create=_create_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
    ),
    ResourceType(
        "AWS::Scheduler::ScheduleGroup",
        properties=words("Name"),
        attributes=words("Arn State"),
        create=_create_group,
        delete=_delete_group,
    ),
]
