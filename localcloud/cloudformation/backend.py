"""What all stacks share: the store of each region, clients, and what names in a template mean."""

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.cloudformation.callbacks import Callbacks
from localcloud.cloudformation.errors import NotYetKnown, ResourceFailed, ValidationError
from localcloud.cloudformation.intrinsics import Scope, check_rules, evaluate_conditions, resolve_dynamic
from localcloud.cloudformation.operation import Operation
from localcloud.cloudformation.stack import STACK_TYPE, Inputs, Resource, Stack, Stacks, parameter_values

_SERVICE_PRINCIPAL = "cloudformation.amazonaws.com"


@dataclass
class Backend:
    """The CloudFormation service of one local cloud."""

    cloud: Cloud
    lock: threading.RLock = field(default_factory=threading.RLock)
    regions: dict[str, Stacks] = field(default_factory=lambda: defaultdict(Stacks))

    def __post_init__(self) -> None:
        self.callbacks = Callbacks(self.cloud.endpoint)
        self._kept = self.cloud.durable.keep("cloudformation", dump=self._dump, load=self._load)

    def changed(self, stack: Stack) -> None:
        """The stack as it is now outlives this process; called after each of its changes."""
        self._kept.changed(stack.identity.region, stack.identity.id)

    def _dump(self, region: str, stack_id: str) -> Stack | None:
        return self.stacks(region).find(stack_id)

    def _load(self, stack: Stack, region: str, _stack_id: str) -> None:
        self.stacks(region).add(stack)

    def stacks(self, region: str) -> Stacks:
        """The stacks of a region."""
        with self.lock:
            return self.regions[region]

    def now(self) -> datetime:
        """The virtual time."""
        return self.cloud.clock.utcnow()

    def operation(self, stack: Stack, role_arn: str | None) -> Operation:
        """An operation on a stack, with the rights of a role or of the administrator."""
        return Operation(
            stack,
            enter=lambda status, reason: self.enter(stack, status, reason),
            happened=lambda *event: self._happened(stack, *event),
            clients=self.client_for(stack, role_arn),
            open_callback=self.callbacks.open,
            resolve=self.resolver(stack),
        )

    def begin(self, stack: Stack, status: str) -> None:
        """A new operation on a stack has begun."""
        stack.operation_id = str(uuid.uuid4())
        self.enter(stack, status, "User Initiated")

    def enter(self, stack: Stack, status: str, reason: str | None) -> None:
        """The stack is in `status`, and an event says so."""
        stack.status, stack.status_reason = status, reason
        self._happened(stack, stack.identity.name, stack.identity.id, STACK_TYPE, status, reason)

    def _happened(self, stack: Stack, *event: Any) -> None:
        stack.happened(self.now(), *event)
        self.changed(stack)

    def resolver(self, stack: Stack) -> Callable[[Any], Any]:
        """Replaces dynamic references by what they refer to now."""
        return lambda node: resolve_dynamic(node, lambda service, name: self._dynamic(stack, service, name))

    def client_for(self, stack: Stack, role_arn: str | None) -> Callable[[str], Any]:
        """Makes clients with which resources of a stack are handled: as its role, or as the administrator."""
        region, clients = stack.identity.region, self.cloud.clients
        if role_arn is None:
            return lambda service: clients.admin(service, region)
        name = f"AWSCloudFormation-{stack.identity.name}"[:64]
        return lambda service: clients.as_role(role_arn, _SERVICE_PRINCIPAL, name, service, region)

    def read_ssm(self, region: str) -> Callable[[str], str]:
        """Reads SSM parameters for a template's parameters."""

        def read(name: str) -> str:
            try:
                return str(self.cloud.clients.admin("ssm", region).get_parameter(Name=name)["Parameter"]["Value"])
            except ClientError as error:
                message = f"Unable to fetch parameters [{name}] from parameter store for this account."
                raise ValidationError(message) from error

        return read

    def scope(self, stack: Stack, inputs: Inputs) -> Scope:
        """What names mean in `inputs`' template; references to resources are still to be filled in."""
        scope = Scope(
            region=stack.identity.region,
            values=parameter_values(inputs.parameters) | _pseudo_parameters(stack),
            mappings=inputs.template.section("Mappings"),
        )
        scope.conditions = evaluate_conditions(inputs.template.section("Conditions"), scope)
        check_rules(inputs.template.section("Rules"), scope)
        scope.imported = lambda name: self._import(stack, name)
        scope.output_of = lambda given: self._output_of(stack, given)
        return scope

    def _import(self, stack: Stack, name: str) -> str:
        found = self.stacks(stack.identity.region).exports().get(name)
        if found is None:
            raise ValidationError(f"No export named {name} found.")
        stack.imports.add(name)
        return found[1].value

    def _output_of(self, stack: Stack, given: Mapping[str, Any]) -> str:
        region = given.get("Region") or stack.identity.region
        producer = self.stacks(region).get(given["StackName"])
        for output in producer.outputs:
            if output.key == given["OutputName"]:
                return output.value
        raise ValidationError(f"Stack {given['StackName']} has no output {given['OutputName']}")

    def _dynamic(self, stack: Stack, service: str, name: str) -> str:
        region, clients = stack.identity.region, self.cloud.clients
        if service == "ssm":
            return str(clients.admin("ssm", region).get_parameter(Name=name)["Parameter"]["Value"])
        if service == "secretsmanager":
            secret, _, rest = name.partition(":SecretString")
            text = str(clients.admin("secretsmanager", region).get_secret_value(SecretId=secret)["SecretString"])
            key = rest.strip(":").partition(":")[0]
            return str(json.loads(text)[key]) if key else text
        raise ResourceFailed(f"the local cloud does not do dynamic references to {service}")


def refer_to(scope: Scope, resources: Mapping[str, Resource], missing: Callable[[str], Exception]) -> None:
    """Ref and Fn::GetAtt in `scope` give what `resources` have; for others `missing` makes the error."""

    def found(name: str) -> Resource:
        if name not in resources:
            raise missing(name)
        return resources[name]

    def attribute(name: str, wanted: str) -> Any:
        attributes = found(name).attributes
        if wanted not in attributes:
            raise ResourceFailed(f"resource {name} has no attribute {wanted}")
        return attributes[wanted]

    scope.physical_id = lambda name: found(name).physical_id
    scope.attribute = attribute


def not_yet_known(name: str) -> NotYetKnown:
    """The error for a resource that a preview cannot see yet."""
    return NotYetKnown(name)


def unresolved(name: str) -> ResourceFailed:
    """The error for a resource that a condition has left out."""
    return ResourceFailed(f"Unresolved resource dependencies [{name}] in the Resources block of the template")


def _pseudo_parameters(stack: Stack) -> dict[str, Any]:
    return {
        "AWS::AccountId": stack.identity.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": stack.identity.region,
        "AWS::StackId": stack.identity.id,
        "AWS::StackName": stack.identity.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
