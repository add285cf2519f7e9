"""AWS::Lambda::*"""

import io
import zipfile
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import pick, tag_map, wait_until
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_CONFIGURATION = (
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
)
# what UpdateFunctionConfiguration is given when a property was taken away
_CLEARED: dict[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "KmsKeyArn": "",
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}
_INLINE_FILE = {"python": "index.py", "nodejs": "index.js"}


def _create_function(handling: Handling) -> Made:
    properties, name = handling.properties, handling.name("FunctionName", 64)
    arguments = pick(properties, (*_CONFIGURATION, "Architectures", "PackageType"))
    arguments |= {"FunctionName": name, "Code": _code(properties), "Tags": tag_map(properties)}
    made = forward(handling.client("lambda"), "create_function", arguments)
    handling.begun(name)
    _wait(handling, name)
    _set_concurrency(handling, name)
    return Made(name, {"Arn": made["FunctionArn"]})


def _update_function(handling: Handling) -> Made:
    aws, name, properties = handling.client("lambda"), handling.physical_id, handling.properties
    if handling.changed("Code") or handling.changed("Architectures"):
        arguments = {"FunctionName": name} | _code(properties) | pick(properties, ["Architectures"])
        forward(aws, "update_function_code", arguments)
        _wait(handling, name)
    changed = {one: properties.get(one, _CLEARED.get(one)) for one in _CONFIGURATION if handling.changed(one)}
    if changed:
        forward(aws, "update_function_configuration", {"FunctionName": name} | changed)
        _wait(handling, name)
    _set_concurrency(handling, name)
    _sync_tags(handling)
    return Made(name, handling.attributes)


def _code(properties: dict[str, Any]) -> dict[str, Any]:
    code = properties["Code"]
    if "ZipFile" not in code:
        return dict(code)
    runtime = str(properties.get("Runtime"))
    file = next((name for prefix, name in _INLINE_FILE.items() if runtime.startswith(prefix)), None)
    if file is None:
        raise ResourceFailed(f"ZipFile is not supported for the runtime {runtime}")
    return {"ZipFile": _zipped(file, code["ZipFile"])}


def _zipped(name: str, text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        package.writestr(entry, text)
    return archive.getvalue()


def _wait(handling: Handling, name: str) -> None:
    def is_ready() -> bool:
        found = handling.client("lambda").get_function_configuration(FunctionName=name)
        if "Failed" in (found.get("State"), found.get("LastUpdateStatus")):
            raise ResourceFailed(str(found.get("StateReason") or found.get("LastUpdateStatusReason")))
        return bool(found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress")

    wait_until(is_ready, f"Function {name}")


def _set_concurrency(handling: Handling, name: str) -> None:
    if not handling.changed("ReservedConcurrentExecutions"):
        return
    reserved = handling.properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        handling.client("lambda").delete_function_concurrency(FunctionName=name)
    else:
        arguments = {"FunctionName": name, "ReservedConcurrentExecutions": reserved}
        forward(handling.client("lambda"), "put_function_concurrency", arguments)


def _sync_tags(handling: Handling) -> None:
    new, old = tag_map(handling.properties), tag_map(handling.old_properties)
    arn = handling.attributes["Arn"]
    if gone := sorted(old.keys() - new.keys()):
        handling.client("lambda").untag_resource(Resource=arn, TagKeys=gone)
    if added := {name: value for name, value in new.items() if old.get(name) != value}:
        handling.client("lambda").tag_resource(Resource=arn, Tags=added)


def _delete_function(handling: Handling) -> None:
    handling.client("lambda").delete_function(FunctionName=handling.physical_id)


def _publish_layer(handling: Handling) -> Made:
    properties = handling.properties
    names = ("CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LicenseInfo")
    arguments = pick(properties, names) | {"LayerName": properties.get("LayerName") or handling.generated_name(140)}
    made = forward(handling.client("lambda"), "publish_layer_version", arguments)
    return Made(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})


def _delete_layer(handling: Handling) -> None:
    layer, _, version = handling.physical_id.rpartition(":")
    handling.client("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))


def _add_permission(handling: Handling) -> Made:
    statement = handling.generated_name(100)
    forward(handling.client("lambda"), "add_permission", handling.properties | {"StatementId": statement})
    return Made(statement, {"Id": statement})


def _remove_permission(handling: Handling) -> None:
    handling.client("lambda").remove_permission(
        FunctionName=handling.properties["FunctionName"], StatementId=handling.physical_id
    )


def _put_invoke_config(handling: Handling) -> Made:
    forward(handling.client("lambda"), "put_function_event_invoke_config", handling.properties)
    return Made(handling.physical_id or handling.generated_name(100))


def _delete_invoke_config(handling: Handling) -> None:
    arguments = pick(handling.properties, ("FunctionName", "Qualifier"))
    handling.client("lambda").delete_function_event_invoke_config(**arguments)


def _publish_version(handling: Handling) -> Made:
    arguments = pick(handling.properties, ("CodeSha256", "Description", "FunctionName"))
    made = forward(handling.client("lambda"), "publish_version", arguments)
    function, version = made["FunctionArn"], str(made["Version"])
    arn = function if function.endswith(f":{version}") else f"{function}:{version}"
    return Made(arn, {"FunctionArn": arn, "Version": version})


def _delete_version(handling: Handling) -> None:
    function, _, version = handling.physical_id.rpartition(":")
    handling.client("lambda").delete_function(FunctionName=function, Qualifier=version)


def _create_alias(handling: Handling) -> Made:
    arn = forward(handling.client("lambda"), "create_alias", handling.properties)["AliasArn"]
    return Made(arn, {"AliasArn": arn})


def _update_alias(handling: Handling) -> Made:
    forward(handling.client("lambda"), "update_alias", handling.properties)
    return Made(handling.physical_id, handling.attributes)


def _delete_alias(handling: Handling) -> None:
    handling.client("lambda").delete_alias(**pick(handling.properties, ("FunctionName", "Name")))


TYPES = [
    ResourceType(
        "AWS::Lambda::Function",
        properties=words("Architectures Code FunctionName PackageType ReservedConcurrentExecutions")
        | frozenset(_CONFIGURATION),
        without_effect=words("RecursiveLoop RuntimeManagementConfig"),
        attributes=words("Arn"),
        name_property="FunctionName",
        replaced_by=words("PackageType"),
        create=_create_function,
        update=_update_function,
        delete=_delete_function,
    ),
    ResourceType(
        "AWS::Lambda::LayerVersion",
        properties=words("CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"),
        attributes=words("LayerVersionArn"),
        create=_publish_layer,
        delete=_delete_layer,
    ),
    ResourceType(
        "AWS::Lambda::Permission",
        properties=words("Action EventSourceToken FunctionName Principal PrincipalOrgID SourceAccount SourceArn"),
        attributes=words("Id"),
        create=_add_permission,
        delete=_remove_permission,
    ),
    ResourceType(
        "AWS::Lambda::EventInvokeConfig",
        properties=words("DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"),
        replaced_by=words("FunctionName Qualifier"),
        create=_put_invoke_config,
        update=_put_invoke_config,
        delete=_delete_invoke_config,
    ),
    ResourceType(
        "AWS::Lambda::Version",
        properties=words("CodeSha256 Description FunctionName"),
        without_effect=words("RuntimePolicy"),
        attributes=words("FunctionArn Version"),
        create=_publish_version,
        delete=_delete_version,
    ),
    ResourceType(
        "AWS::Lambda::Alias",
        properties=words("Description FunctionName FunctionVersion Name"),
        attributes=words("AliasArn"),
        replaced_by=words("FunctionName Name"),
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
    ),
]
