"""AWS::DynamoDB::*"""

from typing import Any

from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import is_true, pick, tag_list, wait_until
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_CREATED_WITH = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "StreamSpecification",
    "TableClass",
)
_UPDATED_WITH = ("BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")
_REPLICA = words("Region PointInTimeRecoverySpecification DeletionProtectionEnabled SSESpecification TableClass Tags")


def _create_table(handling: Handling) -> Made:
    return _create(handling, handling.properties)


def _create_global_table(handling: Handling) -> Made:
    return _create(handling, _as_table(handling, handling.properties, "PAY_PER_REQUEST"))


def _create(handling: Handling, table: dict[str, Any]) -> Made:
    name = handling.name("TableName", 255)
    arguments = pick(table, _CREATED_WITH) | {"TableName": name, "Tags": tag_list(table)}
    arguments["StreamSpecification"] = _stream(table)
    arguments["SSESpecification"] = _encryption(table)
    forward(handling.client("dynamodb"), "create_table", arguments)
    handling.begun(name)
    _configure(handling, name, table, {})
    return _made(handling, name)


def _update_table(handling: Handling) -> Made:
    return _update(handling, handling.properties, handling.old_properties)


def _update_global_table(handling: Handling) -> Made:
    new, old = (_as_table(handling, one) for one in (handling.properties, handling.old_properties))
    return _update(handling, new, old)


def _update(handling: Handling, new: dict[str, Any], old: dict[str, Any]) -> Made:
    name = handling.physical_id
    changed = {one: new[one] for one in _UPDATED_WITH if one in new and new[one] != old.get(one)}
    if _encryption(new) != _encryption(old) and "SSESpecification" in new:
        changed["SSESpecification"] = _encryption(new)
    if _stream(new) != _stream(old):
        changed["StreamSpecification"] = _stream(new) or {"StreamEnabled": False}
    if new.get("DeletionProtectionEnabled") is None and is_true(old.get("DeletionProtectionEnabled")):
        changed["DeletionProtectionEnabled"] = False
    if changed:
        forward(handling.client("dynamodb"), "update_table", {"TableName": name} | changed)
    for update in _index_updates(new, old):
        arguments = {"TableName": name, "AttributeDefinitions": new["AttributeDefinitions"]}
        forward(handling.client("dynamodb"), "update_table", arguments | {"GlobalSecondaryIndexUpdates": [update]})
    _configure(handling, name, new, old)
    return _made(handling, name)


def _index_updates(new: dict[str, Any], old: dict[str, Any]) -> list[dict[str, Any]]:
    wanted, present = (
        {index["IndexName"]: index for index in one.get("GlobalSecondaryIndexes") or []} for one in (new, old)
    )
    changed = [name for name in wanted.keys() & present.keys() if wanted[name] != present[name]]
    if changed:
        raise ResourceFailed(f"the local cloud does not change global secondary indexes: {', '.join(sorted(changed))}")
    removed = [{"Delete": {"IndexName": name}} for name in present.keys() - wanted.keys()]
    return removed + [{"Create": wanted[name]} for name in wanted.keys() - present.keys()]


def _configure(handling: Handling, name: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    dynamodb = handling.client("dynamodb")
    wait_until(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", f"Table {name}")
    ttl = new.get("TimeToLiveSpecification")
    if ttl != old.get("TimeToLiveSpecification"):
        settings = ttl or old["TimeToLiveSpecification"] | {"Enabled": False}
        forward(dynamodb, "update_time_to_live", {"TableName": name, "TimeToLiveSpecification": settings})
    recovery = new.get("PointInTimeRecoverySpecification")
    if recovery != old.get("PointInTimeRecoverySpecification"):
        settings = recovery or {"PointInTimeRecoveryEnabled": False}
        arguments = {"TableName": name, "PointInTimeRecoverySpecification": settings}
        forward(dynamodb, "update_continuous_backups", arguments)
    if "ResourcePolicy" in new and new["ResourcePolicy"] != old.get("ResourcePolicy"):
        arguments = {"ResourceArn": handling.arn("dynamodb", f"table/{name}"), "Policy": None}
        arguments["Policy"] = new["ResourcePolicy"]["PolicyDocument"]
        forward(dynamodb, "put_resource_policy", arguments)


def _made(handling: Handling, name: str) -> Made:
    table = handling.client("dynamodb").describe_table(TableName=name)["Table"]
    attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId")}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Made(name, attributes)


def _delete_table(handling: Handling) -> None:
    handling.client("dynamodb").delete_table(TableName=handling.physical_id)


def _stream(table: dict[str, Any]) -> dict[str, Any] | None:
    given = table.get("StreamSpecification")
    return None if given is None else {"StreamEnabled": True, "StreamViewType": given["StreamViewType"]}


def _encryption(table: dict[str, Any]) -> dict[str, Any] | None:
    given = table.get("SSESpecification")
    if given is None:
        return None
    renamed = {"SSEEnabled": "Enabled"}
    return {renamed.get(name, name): value for name, value in given.items()}


def _as_table(handling: Handling, properties: dict[str, Any], billing: str = "PROVISIONED") -> dict[str, Any]:
    """A global table as the table that it is in its only region."""
    replicas = properties.get("Replicas") or []
    if [one.get("Region") for one in replicas] != [handling.stack.region]:
        raise ResourceFailed(f"the local cloud has global tables with one replica, in {handling.stack.region}")
    replica = dict(replicas[0])
    for index in replica.pop("GlobalSecondaryIndexes", []):
        if index.keys() != {"IndexName"}:
            raise ResourceFailed("the local cloud does not do settings of an index of a replica")
    unknown = replica.keys() - _REPLICA
    if unknown:
        raise ResourceFailed(f"the local cloud does not do {', '.join(sorted(unknown))} of a replica")
    encryption = dict(properties.get("SSESpecification") or {}) | replica.pop("SSESpecification", {})
    table = {name: value for name, value in properties.items() if name != "Replicas"} | replica
    return {"BillingMode": billing} | table | ({"SSESpecification": encryption} if encryption else {})


TYPES = [
    ResourceType(
        "AWS::DynamoDB::Table",
        properties=words(
            "PointInTimeRecoverySpecification ResourcePolicy SSESpecification TableName TimeToLiveSpecification"
        )
        | frozenset(_CREATED_WITH),
        without_effect=words("ContributorInsightsSpecification"),
        attributes=words("Arn StreamArn TableId"),
        name_property="TableName",
        replaced_by=words("KeySchema LocalSecondaryIndexes"),
        create=_create_table,
        update=_update_table,
        delete=_delete_table,
    ),
    ResourceType(
        "AWS::DynamoDB::GlobalTable",
        properties=words(
            "AttributeDefinitions BillingMode GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes Replicas "
            "SSESpecification StreamSpecification TableName TimeToLiveSpecification"
        ),
        attributes=words("Arn StreamArn TableId"),
        name_property="TableName",
        replaced_by=words("KeySchema LocalSecondaryIndexes"),
        create=_create_global_table,
        update=_update_global_table,
        delete=_delete_table,
    ),
]
