"""AWS::DynamoDB::*"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import call, forward
from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import Handling, ResourceType, wait_until, words

_INDEXES = "GlobalSecondaryIndexes"
_SHARED = (
    "AttributeDefinitions BillingMode GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes SSESpecification "
    "StreamSpecification TableName TimeToLiveSpecification"
)
_IN_REPLICA = words("PointInTimeRecoverySpecification DeletionProtectionEnabled SSESpecification TableClass Tags")
_UPDATED_WITH = words(
    "BillingMode DeletionProtectionEnabled ProvisionedThroughput SSESpecification StreamSpecification TableClass"
)
_CLEARED = {"DeletionProtectionEnabled": False, "StreamSpecification": {"StreamEnabled": False}}


def _table(handling: Handling) -> dict[str, Any]:
    return _as_in_api(handling, handling.properties)


def _old_table(handling: Handling) -> dict[str, Any]:
    return _as_in_api(handling, handling.old_properties) if handling.old_properties else {}


def _as_in_api(handling: Handling, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as the API names them, a global table as the table that it is in its only region."""
    table = dict(properties)
    if "Replicas" in table:
        replica = _only_replica(handling, table.pop("Replicas"))
        encryption = {**table.get("SSESpecification", {}), **replica.pop("SSESpecification", {})}
        table = {"BillingMode": "PAY_PER_REQUEST"} | table | replica
        table |= {"SSESpecification": encryption} if encryption else {}
    if "SSESpecification" in table:
        renamed = {"SSEEnabled": "Enabled"}
        table["SSESpecification"] = {renamed.get(name, name): one for name, one in table["SSESpecification"].items()}
    if "StreamSpecification" in table:
        table["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    return table


def _only_replica(handling: Handling, replicas: list[dict[str, Any]]) -> dict[str, Any]:
    if [one.get("Region") for one in replicas] != [handling.stack.region]:
        raise ResourceFailed(f"the local cloud has global tables with one replica, in {handling.stack.region}")
    replica = {name: value for name, value in replicas[0].items() if name != "Region"}
    plain_indexes = all(index.keys() == {"IndexName"} for index in replica.pop(_INDEXES, []))
    unknown = sorted(replica.keys() - _IN_REPLICA) + ([] if plain_indexes else [_INDEXES])
    if unknown:
        raise ResourceFailed(f"the local cloud does not do {', '.join(unknown)} of a replica")
    return replica


def _create(handling: Handling) -> Mapping[str, Any]:
    table = _table(handling)
    answer = call(handling.client, "create_table * TableName={name}", table, handling.values(table))
    description: dict[str, Any] = answer["TableDescription"]
    return description


def _update(handling: Handling) -> Mapping[str, Any]:
    new, old, name = _table(handling), _old_table(handling), handling.physical_id
    if "Replicas" in handling.properties and new.get("Tags") != old.get("Tags"):
        raise ResourceFailed("the local cloud does not change tags of a replica")
    wanted = {**{key: value for key, value in _CLEARED.items() if key in old}, **new}
    changed = {one: wanted[one] for one in _UPDATED_WITH if one in wanted and wanted[one] != old.get(one)}
    if changed:
        forward(handling.client, "update_table", {"TableName": name, **changed})
    for update in _index_updates(new, old):
        definitions = {"TableName": name, "AttributeDefinitions": new["AttributeDefinitions"]}
        forward(handling.client, "update_table", {**definitions, "GlobalSecondaryIndexUpdates": [update]})
        _wait(handling)
    return _describe(handling)


def _index_updates(new: dict[str, Any], old: dict[str, Any]) -> list[dict[str, Any]]:
    wanted, present = ({index["IndexName"]: index for index in one.get(_INDEXES) or []} for one in (new, old))
    changed = sorted(name for name in wanted.keys() & present.keys() if wanted[name] != present[name])
    if changed:
        raise ResourceFailed(f"the local cloud does not change global secondary indexes: {', '.join(changed)}")
    removed = [{"Delete": {"IndexName": name}} for name in present.keys() - wanted.keys()]
    return removed + [{"Create": wanted[name]} for name in wanted.keys() - present.keys()]


def _configure(handling: Handling) -> None:
    """What a table gets by calls of its own is as the properties say; the table is active."""
    _wait(handling)
    new, old, table = _table(handling), _old_table(handling), {"TableName": handling.physical_id}
    off = {"TimeToLiveSpecification": {**old.get("TimeToLiveSpecification", {}), "Enabled": False}}
    off["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": False}
    operations = {
        "TimeToLiveSpecification": "update_time_to_live",
        "PointInTimeRecoverySpecification": "update_continuous_backups",
    }
    for name, operation in operations.items():
        if new.get(name) != old.get(name):
            forward(handling.client, operation, {**table, name: new.get(name, off[name])})


def _wait(handling: Handling) -> None:
    name = handling.physical_id
    wait_until(lambda: _describe(handling)["TableStatus"] == "ACTIVE", f"Table {name}")


def _describe(handling: Handling) -> dict[str, Any]:
    found: dict[str, Any] = handling.client.describe_table(TableName=handling.physical_id)["Table"]
    return found


def _row(name: str, properties: str, required: str, replaced_by: str, **more: Any) -> ResourceType:
    return ResourceType(
        name,
        "dynamodb",
        create=_create,
        update=_update,
        delete="delete_table TableName={ref}",
        properties=words(f"{_SHARED} {properties}"),
        required=words(required),
        replaced_by=words(replaced_by),
        named=("TableName", 255),
        after=_configure,
        **more,
    )


_ATTRIBUTES = {"Arn": "{TableArn}", "StreamArn": "{LatestStreamArn}"}
TYPES = [
    _row(
        "AWS::DynamoDB::Table",
        "DeletionProtectionEnabled PointInTimeRecoverySpecification ProvisionedThroughput TableClass Tags",
        "KeySchema",
        "KeySchema LocalSecondaryIndexes TableName",
        without_effect=words("ContributorInsightsSpecification"),
        attributes=_ATTRIBUTES,
        tagged="ResourceArn={Arn}",
    ),
    _row(
        "AWS::DynamoDB::GlobalTable",
        "Replicas",
        "Replicas",
        "KeySchema LocalSecondaryIndexes TableName",
        attributes=_ATTRIBUTES | {"TableId": "{TableId}"},
    ),
]
