"""Everything that is in the account, as its own APIs tell it: to be compared before and after a restart."""

import functools
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from .conftest import LocalCloud, wait_until


@dataclass(frozen=True)
class Listing:
    """An operation that lists things; `changing` are members that may be others a moment later."""

    service: str
    operation: str
    member: str
    changing: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)


_REASONS = ("StateReason", "StateReasonData")
_LISTED = {
    "aliases": Listing("kms", "list_aliases", "Aliases"),
    "alarms": Listing("cloudwatch", "describe_alarms", "MetricAlarms", _REASONS),
    "composites": Listing(
        "cloudwatch", "describe_alarms", "CompositeAlarms", _REASONS, {"AlarmTypes": ["CompositeAlarm"]}
    ),
    "changes of alarms": Listing("cloudwatch", "describe_alarm_history", "AlarmHistoryItems"),
    "dashboards": Listing("cloudwatch", "list_dashboards", "DashboardEntries"),
    "exports": Listing("cloudformation", "list_exports", "Exports"),
    "functions": Listing("lambda", "list_functions", "Functions"),
    "layers": Listing("lambda", "list_layers", "Layers"),
    "mappings": Listing("lambda", "list_event_source_mappings", "EventSourceMappings"),
    "machines": Listing("stepfunctions", "list_state_machines", "stateMachines"),
    "policies": Listing("iam", "list_policies", "Policies", (), {"Scope": "Local"}),
    "roles": Listing("iam", "list_roles", "Roles", ("RoleLastUsed",)),
    "rules": Listing("events", "list_rules", "Rules"),
    "schedules": Listing("scheduler", "list_schedules", "Schedules"),
    "secrets": Listing("secretsmanager", "list_secrets", "SecretList"),
    "stacks": Listing("cloudformation", "describe_stacks", "Stacks"),
    "parameters": Listing("ssm", "describe_parameters", "Parameters"),
    "topics": Listing("sns", "list_topics", "Topics"),
    "subscriptions": Listing("sns", "list_subscriptions", "Subscriptions"),
    "groups": Listing("logs", "describe_log_groups", "logGroups", ("storedBytes",)),
    "endpoints": Listing("sagemaker", "list_endpoints", "Endpoints", ("LastModifiedTime",)),
    "configurations": Listing("sagemaker", "list_endpoint_configs", "EndpointConfigs"),
    "models": Listing("sagemaker", "list_models", "Models"),
    "trainings": Listing("sagemaker", "list_training_jobs", "TrainingJobSummaries"),
    "processings": Listing("sagemaker", "list_processing_jobs", "ProcessingJobSummaries"),
    "packages": Listing("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList"),
}
Inventory = dict[str, set[str]]


def inventory(cloud: LocalCloud) -> Inventory:
    """What is there, by kind; each thing as text."""
    found = {kind: _things(cloud, listing) for kind, listing in _LISTED.items()}
    return found | {
        "executions": _executions(cloud),
        "items": _items(cloud),
        "keys": _keys(cloud),
        "objects": _objects(cloud),
        "values": _values(cloud),
    }


def inventory_at_rest(cloud: LocalCloud, seconds: float = 60) -> Inventory:
    """What is there once nothing runs and nothing changes any more."""
    seen = [inventory(cloud)]

    def is_at_rest() -> bool:
        seen.append(inventory(cloud))
        return seen[-1] == seen[-2] and not any('"RUNNING"' in one for one in seen[-1]["executions"])

    wait_until(is_at_rest, seconds, lambda: f"still changes: {lost(*seen[-2:])}")
    return seen[-1]


def lost(before: Inventory, after: Inventory) -> Inventory:
    """What was there before and is not there, or not the same, after."""
    return {kind: gone for kind in before if (gone := before[kind] - after[kind])}


@functools.cache
def _client(cloud: LocalCloud, service: str) -> Any:
    return cloud.client(service)


def _things(cloud: LocalCloud, listing: Listing) -> set[str]:
    listed = _pages(cloud, listing.service, listing.operation, listing.member, **listing.arguments)
    return {_text({name: one[name] for name in one if name not in listing.changing}) for one in listed}


def _pages(cloud: LocalCloud, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
    client = _client(cloud, service)
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments).get(member, []))
    return list(client.get_paginator(operation).paginate(**arguments).build_full_result().get(member, []))


def _text(thing: Any) -> str:
    return json.dumps(thing, default=str, sort_keys=True)


def _executions(cloud: LocalCloud) -> set[str]:
    machines = _pages(cloud, "stepfunctions", "list_state_machines", "stateMachines")
    arns = [machine["stateMachineArn"] for machine in machines]
    return {
        _text(
            [one, _pages(cloud, "stepfunctions", "get_execution_history", "events", executionArn=one["executionArn"])]
        )
        for arn in arns
        for one in _pages(cloud, "stepfunctions", "list_executions", "executions", stateMachineArn=arn)
    }


def _items(cloud: LocalCloud) -> set[str]:
    tables = _pages(cloud, "dynamodb", "list_tables", "TableNames")
    return {
        _text([table, item]) for table in tables for item in _pages(cloud, "dynamodb", "scan", "Items", TableName=table)
    }


def _keys(cloud: LocalCloud) -> set[str]:
    kms = _client(cloud, "kms")
    ids = [one["KeyId"] for one in _pages(cloud, "kms", "list_keys", "Keys")]
    return {_text([kms.describe_key(KeyId=one)["KeyMetadata"], kms.list_grants(KeyId=one)["Grants"]]) for one in ids}


def _objects(cloud: LocalCloud) -> set[str]:
    """Every version of every object, read and decrypted."""
    s3 = _client(cloud, "s3")

    def read(bucket: str, version: dict[str, Any]) -> str:
        named = {"Key": version["Key"], "VersionId": version["VersionId"]}
        body = s3.get_object(Bucket=bucket, **named)["Body"].read()
        return _text([bucket, version, hashlib.sha256(body).hexdigest()])

    buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    return {
        read(name, one)
        for name in buckets
        for one in _pages(cloud, "s3", "list_object_versions", "Versions", Bucket=name)
    }


def _values(cloud: LocalCloud) -> set[str]:
    """What parameters and secrets say, and the names of queues, whose URLs tell the port."""
    ssm, secrets = _client(cloud, "ssm"), _client(cloud, "secretsmanager")
    parameters = [one["Name"] for one in _pages(cloud, "ssm", "describe_parameters", "Parameters")]
    arns = [one["ARN"] for one in _pages(cloud, "secretsmanager", "list_secrets", "SecretList")]
    queues = [url.rsplit("/", 1)[-1] for url in _pages(cloud, "sqs", "list_queues", "QueueUrls")]
    return {
        *queues,
        *(_text(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]) for name in parameters),
        *(secrets.get_secret_value(SecretId=arn)["SecretString"] for arn in arns),
    }
