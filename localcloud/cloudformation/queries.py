"""The operations of the CloudFormation API that only look."""

from typing import Any

from localcloud.api import ApiError, Request
from localcloud.cloudformation import describe
from localcloud.cloudformation.backend import Backend
from localcloud.cloudformation.errors import ValidationError, no_such_stack
from localcloud.cloudformation.requests import template_of
from localcloud.cloudformation.stack import ChangeSet, Stack
from localcloud.cloudformation.templates import validate


class Queries:
    """Finds stacks and change sets, and describes them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def describe_stacks(self, request: Request) -> dict[str, Any]:
        """One stack, or all that are not deleted."""
        name = request.parameters.get("StackName")
        stacks = self._backend.stacks(request.region)
        return {"Stacks": [describe.stack(one) for one in ([stacks.get(name)] if name else stacks.live())]}

    def list_stacks(self, request: Request) -> dict[str, Any]:
        """Summaries of stacks, of some statuses when a filter is given."""
        wanted = request.parameters.get("StackStatusFilter")
        stacks = self._backend.stacks(request.region).all()
        return {"StackSummaries": [describe.summary(one) for one in stacks if not wanted or one.status in wanted]}

    def describe_change_set(self, request: Request) -> dict[str, Any]:
        """The change set."""
        return describe.change_set(*self._change_set(request))

    def list_change_sets(self, request: Request) -> dict[str, Any]:
        """The change sets of a stack."""
        stack = self._stack(request)
        return {"Summaries": [describe.change_set(stack, one) for one in stack.change_sets.values()]}

    def describe_stack_events(self, request: Request) -> dict[str, Any]:
        """Events of a stack, newest first."""
        stack = self._stack(request)
        return {"StackEvents": [describe.event(stack, one) for one in reversed(stack.events)]}

    def describe_events(self, request: Request) -> dict[str, Any]:
        """Events of a stack's operations, or what early validation found wrong with a change set."""
        if request.parameters.get("ChangeSetName"):
            stack, change_set = self._change_set(request)
            return {"OperationEvents": [describe.problem(stack, change_set, one) for one in change_set.problems]}
        stack = self._stack(request)
        only_failed = (request.parameters.get("Filters") or {}).get("FailedEvents")
        shown = [one for one in reversed(stack.events) if not only_failed or one.status.endswith("_FAILED")]
        return {"OperationEvents": [describe.event(stack, one) | {"EventType": "STACK_EVENT"} for one in shown]}

    def describe_stack_resources(self, request: Request) -> dict[str, Any]:
        """Resources of a stack, one of them when its logical id is given."""
        wanted = request.parameters.get("LogicalResourceId")
        stack = self._stack_of_resources(request)
        found = [one for one in stack.resources.values() if wanted in (None, one.logical_id)]
        return {"StackResources": [describe.resource(stack, one) for one in found]}

    def describe_stack_resource(self, request: Request) -> dict[str, Any]:
        """One resource of a stack."""
        stack, wanted = self._stack(request), request.parameters["LogicalResourceId"]
        if wanted not in stack.resources:
            raise ValidationError(f"Resource {wanted} does not exist for stack {stack.identity.name}")
        return {"StackResourceDetail": describe.resource(stack, stack.resources[wanted])}

    def list_stack_resources(self, request: Request) -> dict[str, Any]:
        """Summaries of the resources of a stack."""
        stack = self._stack(request)
        return {"StackResourceSummaries": [describe.resource(stack, one) for one in stack.resources.values()]}

    def get_template(self, request: Request) -> dict[str, Any]:
        """The template of a stack or of a change set, as it was given."""
        if request.parameters.get("ChangeSetName"):
            inputs = self._change_set(request)[1].inputs
        else:
            inputs = self._stack(request).inputs
        return {"TemplateBody": inputs.template.text, "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, request: Request) -> dict[str, Any]:
        """Parameters and resource types of a template."""
        name = request.parameters.get("StackName")
        template = self._stack(request).inputs.template if name else template_of(self._backend, request, None)
        types = sorted({definition["Type"] for definition in template.resources.values()})
        return {
            "Parameters": _declared_parameters(template.section("Parameters")),
            "Description": template.description,
            "ResourceTypes": types,
            "Version": template.data.get("AWSTemplateFormatVersion"),
        }

    def validate_template(self, request: Request) -> dict[str, Any]:
        """The template can be deployed here; raises ValidationError otherwise."""
        template = template_of(self._backend, request, None)
        validate(template)
        names = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        declared = _declared_parameters(template.section("Parameters"))
        return {
            "Parameters": [{name: one[name] for name in names} for one in declared],
            "Description": template.description,
        }

    def list_exports(self, request: Request) -> dict[str, Any]:
        """All exports of the region."""
        exports = self._backend.stacks(request.region).exports()
        return {
            "Exports": [
                {"ExportingStackId": stack.identity.id, "Name": name, "Value": output.value}
                for name, (stack, output) in sorted(exports.items())
            ]
        }

    def list_imports(self, request: Request) -> dict[str, Any]:
        """Names of the stacks that import an export."""
        name = request.parameters["ExportName"]
        importers = self._backend.stacks(request.region).importers(name)
        if not importers:
            raise ValidationError(f"Export '{name}' is not imported by any stack.")
        return {"Imports": importers}

    def _stack(self, request: Request) -> Stack:
        return self._backend.stacks(request.region).get(request.parameters["StackName"])

    def _stack_of_resources(self, request: Request) -> Stack:
        physical_id = request.parameters.get("PhysicalResourceId")
        if physical_id is None:
            return self._stack(request)
        for stack in self._backend.stacks(request.region).live():
            if any(one.physical_id == physical_id for one in stack.resources.values()):
                return stack
        raise no_such_stack(physical_id)

    def _change_set(self, request: Request) -> tuple[Stack, ChangeSet]:
        wanted, name = request.parameters["ChangeSetName"], request.parameters.get("StackName")
        stacks = self._backend.stacks(request.region)
        for stack in [stacks.get(name)] if name else stacks.all():
            for one in stack.change_sets.values():
                if wanted in (one.id, one.name):
                    return stack, one
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", "404 Not Found")

    def _arn(self, request: Request, resource: str) -> str:
        return f"arn:aws:cloudformation:{request.region}:{self._backend.cloud.account}:{resource}"


def _declared_parameters(definitions: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": None if "Default" not in definition else str(definition["Default"]),
            "ParameterType": definition["Type"],
            "NoEcho": str(definition.get("NoEcho", False)).lower() == "true",
            "Description": definition.get("Description"),
            "ParameterConstraints": {"AllowedValues": [str(one) for one in definition.get("AllowedValues", [])]},
        }
        for name, definition in definitions.items()
    ]
