"""AWS::StepFunctions::*"""

import json
import re
from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_SETTINGS = ("EncryptionConfiguration", "LoggingConfiguration", "RoleArn", "TracingConfiguration")
_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def _create_machine(handling: Handling) -> Made:
    properties = handling.properties
    name = properties.get("StateMachineName") or handling.generated_name(80, stack_name=False)
    arguments: dict[str, Any] = pick(properties, _SETTINGS) | {"Name": name, "Definition": _definition(handling)}
    arguments["Type"] = properties.get("StateMachineType", "STANDARD")
    arguments["Tags"] = tag_list(properties, "key", "value")
    arn = forward(handling.client("stepfunctions"), "create_state_machine", arguments)["stateMachineArn"]
    return _made(arn)


def _update_machine(handling: Handling) -> Made:
    arguments: dict[str, Any] = pick(handling.properties, _SETTINGS) | {"StateMachineArn": handling.physical_id}
    arguments["Definition"] = _definition(handling)
    forward(handling.client("stepfunctions"), "update_state_machine", arguments)
    return _made(handling.physical_id)


def _made(arn: str) -> Made:
    return Made(arn, {"Arn": arn, "Name": arn.rpartition(":")[2], "StateMachineRevisionId": "INITIAL"})


def _delete_machine(handling: Handling) -> None:
    handling.client("stepfunctions").delete_state_machine(stateMachineArn=handling.physical_id)


def _definition(handling: Handling) -> str:
    properties = handling.properties
    if "DefinitionS3Location" in properties:
        place = properties["DefinitionS3Location"]
        names = {"Bucket": "Bucket", "Key": "Key", "Version": "VersionId"}
        arguments = {api: place[name] for name, api in names.items() if name in place}
        text = handling.client("s3").get_object(**arguments)["Body"].read().decode()
    else:
        text = as_json(properties.get("DefinitionString") or properties["Definition"])
    values = properties.get("DefinitionSubstitutions") or {}
    return _SUBSTITUTION.sub(lambda match: _substituted(match, values), text)


def _substituted(match: re.Match[str], values: dict[str, Any]) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value)


TYPES = [
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        properties=words(
            "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions StateMachineName StateMachineType"
        )
        | frozenset(_SETTINGS),
        attributes=words("Arn Name StateMachineRevisionId"),
        name_property="StateMachineName",
        replaced_by=words("StateMachineType"),
        create=_create_machine,
        update=_update_machine,
        delete=_delete_machine,
    ),
]
