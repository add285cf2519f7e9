"""AWS::StepFunctions::*"""

import json
import re
from typing import Any

from localcloud.cloudformation.resource_type import Handling, ResourceType, words

_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_SETTINGS = "EncryptionConfiguration LoggingConfiguration RoleArn TracingConfiguration"


def _definition(handling: Handling) -> dict[str, str]:
    """The definition as text, from wherever the template has it, with its substitutions."""
    properties = handling.properties
    if "DefinitionS3Location" in properties:
        place = properties["DefinitionS3Location"]
        names = {"Bucket": "Bucket", "Key": "Key", "Version": "VersionId"}
        arguments = {api: place[name] for name, api in names.items() if name in place}
        text = handling.clients("s3").get_object(**arguments)["Body"].read().decode()
    else:
        text = properties.get("DefinitionString") or json.dumps(properties.get("Definition"))
    values = properties.get("DefinitionSubstitutions") or {}
    return {"Definition": _SUBSTITUTION.sub(lambda match: _substituted(match, values), text)}


def _substituted(match: re.Match[str], values: dict[str, Any]) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value)


TYPES = [
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        "stepfunctions",
        create=f"create_state_machine Name={{name}} Definition Type={{StateMachineType}} Tags {_SETTINGS}",
        update=f"update_state_machine stateMachineArn={{ref}} Definition {_SETTINGS}",
        delete="delete_state_machine stateMachineArn={ref}",
        properties=words(
            "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions StateMachineName "
            f"StateMachineType Tags {_SETTINGS}"
        ),
        required=words("RoleArn"),
        replaced_by=words("StateMachineName StateMachineType"),
        named=("StateMachineName", 80),
        make_name=lambda handling: handling.generated_name(80, stack_name=False),
        ref="{stateMachineArn}",
        attributes={"Arn": "{ref}", "Name": "{name}", "StateMachineRevisionId": "{revisionId}"},
        derived=_definition,
        tagged="resourceArn={ref}",
    ),
]
