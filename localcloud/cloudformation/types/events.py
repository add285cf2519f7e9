"""AWS::Events::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import Handling, ResourceType, words

_DEFAULT_BUS = "default"


def _rule(handling: Handling) -> Mapping[str, Any]:
    """The rule's bus by name, for it may be given as an ARN, and the rule's name without its bus."""
    bus = str(handling.properties.get("EventBusName") or _DEFAULT_BUS).rpartition("/")[2]
    name = handling.name.rpartition("|")[2] or handling.physical_id.rpartition("|")[2]
    return {"EventBusName": bus, "RuleName": name}


def _sync_targets(handling: Handling) -> None:
    rule = _rule(handling)
    where = {"Rule": rule["RuleName"], "EventBusName": rule["EventBusName"]}
    new, old = (one.get("Targets") or [] for one in (handling.properties, handling.old_properties))
    gone = sorted({target["Id"] for target in old} - {target["Id"] for target in new})
    if gone:
        handling.client.remove_targets(Ids=gone, **where)
    if new:
        answer = forward(handling.client, "put_targets", {"Targets": new, **where})
        if answer.get("FailedEntryCount"):
            raise ResourceFailed(str(answer["FailedEntries"][0]["ErrorMessage"]))


def _put_rule(handling: Handling) -> Mapping[str, Any]:
    names = ("Description", "EventPattern", "RoleArn", "ScheduleExpression", "State", "Tags")
    rule = _rule(handling)
    arguments = {name: handling.properties.get(name) for name in names}
    arguments |= {"Name": rule["RuleName"], "EventBusName": rule["EventBusName"]}
    answer = forward(handling.client, "put_rule", arguments)
    bus = "" if rule["EventBusName"] == _DEFAULT_BUS else f"{rule['EventBusName']}|"
    return {**answer, "Id": f"{bus}{rule['RuleName']}", "RuleName": rule["RuleName"]}


def _delete_rule(handling: Handling) -> None:
    rule = _rule(handling)
    where = {"Rule": rule["RuleName"], "EventBusName": rule["EventBusName"]}
    targets = [target["Id"] for target in handling.client.list_targets_by_rule(**where)["Targets"]]
    if targets:
        handling.client.remove_targets(Ids=targets, **where)
    handling.client.delete_rule(Name=where["Rule"], EventBusName=where["EventBusName"])


TYPES = [
    ResourceType(
        "AWS::Events::Rule",
        "events",
        create=_put_rule,
        update=_put_rule,
        delete=_delete_rule,
        properties=words("Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets"),
        replaced_by=words("EventBusName Name"),
        named=("Name", 64),
        ref="{Id}",
        attributes={"Arn": "{RuleArn}", "RuleName": "{RuleName}"},
        after=_sync_targets,
        tagged="ResourceARN={Arn}",
    ),
    ResourceType(
        "AWS::Events::EventBus",
        "events",
        create="create_event_bus *",
        update="update_event_bus *",
        delete="delete_event_bus Name={ref}",
        properties=words("DeadLetterConfig Description KmsKeyIdentifier Name Tags"),
        required=words("Name"),
        replaced_by=words("Name"),
        named=("Name", 256),
        attributes={"Arn": "{EventBusArn}", "Name": "{ref}"},
        cleared={"DeadLetterConfig": {}, "Description": "", "KmsKeyIdentifier": ""},
        tagged="ResourceARN={Arn}",
    ),
]
