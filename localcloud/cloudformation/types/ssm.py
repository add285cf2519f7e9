"""AWS::SSM::*"""

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_SETTINGS = ("AllowedPattern", "DataType", "Description", "Tier", "Type", "Value")


def _create_parameter(handling: Handling) -> Made:
    name = handling.properties.get("Name") or f"CFN-{handling.generated_name(200, stack_name=False)}"
    arguments = pick(handling.properties, _SETTINGS) | {"Name": name, "Tags": tag_list(handling.properties) or None}
    forward(handling.client("ssm"), "put_parameter", arguments)
    return _made(handling, name)


def _update_parameter(handling: Handling) -> Made:
    arguments = pick(handling.properties, _SETTINGS) | {"Name": handling.physical_id, "Overwrite": True}
    forward(handling.client("ssm"), "put_parameter", arguments)
    return _made(handling, handling.physical_id)


def _made(handling: Handling, name: str) -> Made:
    attributes = {"Type": handling.properties["Type"], "Value": str(handling.properties["Value"])}
    return Made(name, attributes | {"Arn": handling.arn("ssm", f"parameter/{name.lstrip('/')}")})


def _delete_parameter(handling: Handling) -> None:
    handling.client("ssm").delete_parameter(Name=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::SSM::Parameter",
        properties=frozenset(_SETTINGS) | words("Name"),
        attributes=words("Arn Type Value"),
        name_property="Name",
        replaced_by=words("Type"),
        create=_create_parameter,
        update=_update_parameter,
        delete=_delete_parameter,
    ),
]
