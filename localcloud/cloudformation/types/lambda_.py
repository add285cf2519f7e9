"""AWS::Lambda::*"""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.calls import call, forward
from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import Handling, ResourceType, Setting, wait_until, words

_CONFIGURATION = words(
    "DeadLetterConfig Description Environment EphemeralStorage Handler KmsKeyArn Layers LoggingConfig MemorySize Role "
    "Runtime Timeout TracingConfig"
)
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
_MAPPING = (
    "BatchSize Enabled FilterCriteria FunctionName FunctionResponseTypes MaximumBatchingWindowInSeconds ScalingConfig"
)


def _code(handling: Handling) -> dict[str, Any]:
    """The Code property with inline text as the zip file that it stands for."""
    code = dict(handling.properties["Code"])
    if "ZipFile" in code:
        runtime = str(handling.properties.get("Runtime"))
        file = next((name for prefix, name in _INLINE_FILE.items() if runtime.startswith(prefix)), None)
        if file is None:
            raise ResourceFailed(f"ZipFile is not supported for the runtime {runtime}")
        code["ZipFile"] = _zipped(file, code["ZipFile"])
    return code


def _zipped(name: str, text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        package.writestr(entry, text)
    return archive.getvalue()


def _update_function(handling: Handling) -> None:
    properties, name = handling.properties, {"FunctionName": handling.physical_id}
    if handling.changed("Code") or handling.changed("Architectures"):
        architectures = {"Architectures": properties.get("Architectures", ["x86_64"])}
        forward(handling.client, "update_function_code", {**name, **_code(handling), **architectures})
        _wait(handling)
    changed = {one: properties.get(one, _CLEARED.get(one)) for one in _CONFIGURATION if handling.changed(one)}
    if changed:
        forward(handling.client, "update_function_configuration", {**name, **changed})


def _wait(handling: Handling) -> None:
    def is_ready() -> bool:
        found = handling.client.get_function_configuration(FunctionName=handling.physical_id)
        if "Failed" in (found.get("State"), found.get("LastUpdateStatus")):
            raise ResourceFailed(str(found.get("StateReason") or found.get("LastUpdateStatusReason")))
        return bool(found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress")

    wait_until(is_ready, f"Function {handling.physical_id}")


def _delete_layer(handling: Handling) -> None:
    layer, _, version = handling.physical_id.rpartition(":")
    handling.client.delete_layer_version(LayerName=layer, VersionNumber=int(version))


def _publish_version(handling: Handling) -> Mapping[str, Any]:
    made = call(handling.client, "publish_version *", handling.properties, {})
    function, version = made["FunctionArn"], str(made["Version"])
    return {"VersionArn": function if function.endswith(f":{version}") else f"{function}:{version}", "Version": version}


def _delete_version(handling: Handling) -> None:
    function, _, version = handling.physical_id.rpartition(":")
    handling.client.delete_function(FunctionName=function, Qualifier=version)


def _routing(handling: Handling) -> dict[str, Any]:
    """Weights of an alias by version, which a template gives as a list."""
    weights = handling.properties.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    if weights is None:
        return {}
    by_version = {one["FunctionVersion"]: one["FunctionWeight"] for one in weights}
    return {"RoutingConfig": {"AdditionalVersionWeights": by_version}}


TYPES = [
    ResourceType(
        "AWS::Lambda::Function",
        "lambda",
        create="create_function * FunctionName={name}",
        update=_update_function,
        delete="delete_function FunctionName={ref}",
        properties=_CONFIGURATION
        | words("Architectures Code FunctionName PackageType ReservedConcurrentExecutions Tags"),
        required=words("Code Role"),
        replaced_by=words("FunctionName PackageType"),
        without_effect=words("RecursiveLoop RuntimeManagementConfig"),
        named=("FunctionName", 64),
        attributes={"Arn": "{FunctionArn}"},
        derived=lambda handling: {"Code": _code(handling)},
        after=_wait,
        settings=(
            Setting(
                "ReservedConcurrentExecutions",
                "put_function_concurrency FunctionName={ref} ReservedConcurrentExecutions",
                "delete_function_concurrency FunctionName={ref}",
            ),
        ),
        tagged="Resource={Arn}",
    ),
    ResourceType(
        "AWS::Lambda::LayerVersion",
        "lambda",
        create="publish_layer_version * LayerName={name}",
        delete=_delete_layer,
        properties=words("CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"),
        required=words("Content"),
        replaced_by=words("CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"),
        named=("LayerName", 140),
        ref="{LayerVersionArn}",
        attributes={"LayerVersionArn": "{LayerVersionArn}"},
    ),
    ResourceType(
        "AWS::Lambda::Permission",
        "lambda",
        create="add_permission * StatementId={name}",
        delete="remove_permission FunctionName StatementId={ref}",
        properties=words("Action EventSourceToken FunctionName Principal PrincipalOrgID SourceAccount SourceArn"),
        required=words("Action FunctionName Principal"),
        replaced_by=words("Action EventSourceToken FunctionName Principal PrincipalOrgID SourceAccount SourceArn"),
        attributes={"Id": "{ref}"},
    ),
    ResourceType(
        "AWS::Lambda::EventInvokeConfig",
        "lambda",
        create="put_function_event_invoke_config *",
        update="put_function_event_invoke_config *",
        delete="delete_function_event_invoke_config FunctionName Qualifier",
        properties=words("DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"),
        required=words("FunctionName Qualifier"),
        replaced_by=words("FunctionName Qualifier"),
    ),
    ResourceType(
        "AWS::Lambda::EventSourceMapping",
        "lambda",
        create=f"create_event_source_mapping EventSourceArn Tags {_MAPPING}",
        update=f"update_event_source_mapping UUID={{ref}} {_MAPPING}",
        delete="delete_event_source_mapping UUID={ref}",
        properties=words(f"EventSourceArn Tags {_MAPPING}"),
        required=words("FunctionName"),
        replaced_by=words("EventSourceArn"),
        ref="{UUID}",
        attributes={"Id": "{UUID}", "EventSourceMappingArn": "{EventSourceMappingArn}"},
        cleared={
            "BatchSize": 10,
            "Enabled": True,
            "FilterCriteria": {},
            "FunctionResponseTypes": [],
            "MaximumBatchingWindowInSeconds": 0,
            "ScalingConfig": {},
        },
        tagged="Resource={EventSourceMappingArn}",
    ),
    ResourceType(
        "AWS::Lambda::Version",
        "lambda",
        create=_publish_version,
        delete=_delete_version,
        properties=words("CodeSha256 Description FunctionName"),
        required=words("FunctionName"),
        replaced_by=words("CodeSha256 Description FunctionName RuntimePolicy"),
        without_effect=words("RuntimePolicy"),
        ref="{VersionArn}",
        attributes={"FunctionArn": "{VersionArn}", "Version": "{Version}"},
    ),
    ResourceType(
        "AWS::Lambda::Alias",
        "lambda",
        create="create_alias *",
        update="update_alias *",
        delete="delete_alias FunctionName Name",
        properties=words("Description FunctionName FunctionVersion Name RoutingConfig"),
        required=words("FunctionName FunctionVersion Name"),
        replaced_by=words("FunctionName Name"),
        ref="{AliasArn}",
        attributes={"AliasArn": "{AliasArn}"},
        cleared={"Description": "", "RoutingConfig": {}},
        derived=_routing,
    ),
]
