"""Stacks, resources, events and change sets in the shapes that the CloudFormation API answers with."""

from typing import Any

from localcloud.cloudformation.parameters import Parameter
from localcloud.cloudformation.stack import ChangeSet, Event, Problem, Resource, Stack

_HIDDEN = "****"


def stack(one: Stack) -> dict[str, Any]:
    """A Stack of DescribeStacks."""
    inputs = one.inputs
    return {
        "StackId": one.identity.id,
        "StackName": one.identity.name,
        "Description": inputs.template.description,
        "Parameters": parameters(inputs.parameters),
        "CreationTime": one.created,
        "LastUpdatedTime": one.updated,
        "DeletionTime": one.deleted,
        "StackStatus": one.status,
        "StackStatusReason": one.status_reason,
        "DisableRollback": one.disable_rollback,
        "NotificationARNs": [],
        "Capabilities": inputs.capabilities,
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            }
            for output in one.outputs
        ],
        "RoleARN": inputs.role_arn,
        "Tags": inputs.tags,
        "EnableTerminationProtection": one.termination_protection,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def summary(one: Stack) -> dict[str, Any]:
    """A StackSummary of ListStacks."""
    described = stack(one)
    names = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus")
    return {name: described[name] for name in (*names, "StackStatusReason", "DriftInformation")} | {
        "TemplateDescription": described["Description"]
    }


def parameters(given: dict[str, Parameter]) -> list[dict[str, Any]]:
    """Parameters with what they were given and, for SSM, what that stands for."""
    return [
        {
            "ParameterKey": name,
            "ParameterValue": _HIDDEN if one.no_echo else one.given,
            "ResolvedValue": str(one.resolved) if one.from_ssm else None,
        }
        for name, one in given.items()
    ]


def event(of: Stack, one: Event) -> dict[str, Any]:
    """A StackEvent of DescribeStackEvents."""
    return {
        **_status(of, one),
        "EventId": one.id,
        "OperationId": one.operation_id,
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
    }


def resource(of: Stack, one: Resource) -> dict[str, Any]:
    """A StackResource of DescribeStackResources; the other calls take what they have of it."""
    latest = of.latest[one.logical_id]
    return {
        **_status(of, latest),
        "PhysicalResourceId": one.physical_id,
        "ResourceType": one.type,
        "LastUpdatedTimestamp": latest.time,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _status(of: Stack, one: Event) -> dict[str, Any]:
    return {
        "StackId": of.identity.id,
        "StackName": of.identity.name,
        "LogicalResourceId": one.logical_id,
        "Timestamp": one.time,
        "ResourceStatus": one.status,
        "ResourceStatusReason": one.reason,
    }


def problem(of: Stack, one: ChangeSet, found: Problem) -> dict[str, Any]:
    """An OperationEvent of early validation, which failed a change set."""
    return {
        "EventId": f"{one.id}/{found.path}/{found.message}",
        "StackId": of.identity.id,
        "OperationType": "CREATE_CHANGESET",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": found.logical_id,
        "PhysicalResourceId": "",
        "ResourceType": found.type,
        "Timestamp": one.created,
        "ValidationFailureMode": "FAIL",
        "ValidationName": "PROPERTY_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": found.message,
        "ValidationPath": found.path,
    }


def change_set(of: Stack, one: ChangeSet) -> dict[str, Any]:
    """A change set as DescribeChangeSet and ListChangeSets give it."""
    return {
        "ChangeSetId": one.id,
        "ChangeSetName": one.name,
        "StackId": of.identity.id,
        "StackName": of.identity.name,
        "Description": one.description,
        "Parameters": parameters(one.inputs.parameters),
        "CreationTime": one.created,
        "ExecutionStatus": one.execution_status,
        "Status": one.status,
        "StatusReason": one.reason,
        "NotificationARNs": [],
        "Capabilities": one.inputs.capabilities,
        "Tags": one.inputs.tags,
        "Changes": one.changes,
        "IncludeNestedStacks": False,
    }
