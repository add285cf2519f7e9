"""AWS::CloudFormation::CustomResource and Custom::*: a Lambda function does the work and sends its answer to a URL."""

import json
import uuid
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import CUSTOM, Handling, Made, ResourceType

_LONGEST_SECONDS = 3600


def _create(handling: Handling) -> Made:
    return _made(handling, _ask(handling, "Create"))


def _update(handling: Handling) -> Made:
    old = {"OldResourceProperties": _as_text(handling.old_properties)}
    return _made(handling, _ask(handling, "Update", old))


def _delete(handling: Handling) -> None:
    _ask(handling, "Delete")


def _made(handling: Handling, answer: dict[str, Any]) -> Made:
    physical_id = answer.get("PhysicalResourceId") or handling.physical_id or handling.generated_name(200)
    return Made(str(physical_id), answer.get("Data") or {})


def _ask(handling: Handling, request_type: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """The function's answer; raises ResourceFailed when it is FAILED, does not come, or the function fails."""
    callback = handling.open_callback()
    request = {
        "RequestType": request_type,
        "ServiceToken": handling.properties["ServiceToken"],
        "ResponseURL": callback.url,
        "StackId": handling.stack.id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": handling.logical_id,
        "ResourceType": handling.type_name,
        "ResourceProperties": _as_text(handling.properties),
        **(more or {}),
    }
    if handling.physical_id:
        request["PhysicalResourceId"] = handling.physical_id
    _invoke(handling, request)
    answer = callback.wait(float(handling.properties.get("ServiceTimeout", _LONGEST_SECONDS)))
    if answer is None:
        raise ResourceFailed("CloudFormation did not receive a response from your Custom Resource.")
    if answer.get("Status") != "SUCCESS":
        if answer.get("PhysicalResourceId") and request_type == "Create":
            handling.begun(str(answer["PhysicalResourceId"]))
        raise ResourceFailed(f"Received response status [FAILED] from custom resource. {answer.get('Reason', '')}")
    return answer


def _invoke(handling: Handling, request: dict[str, Any]) -> None:
    function = str(handling.properties["ServiceToken"])
    if ":lambda:" not in function:
        raise ResourceFailed(f"the local cloud has custom resources of Lambda functions, not of {function}")
    answer = handling.client("lambda").invoke(FunctionName=function, Payload=json.dumps(request))
    if "FunctionError" in answer:
        raise ResourceFailed(f"The function of the custom resource failed: {answer['Payload'].read().decode()}")


def _as_text(value: Any) -> Any:
    """Properties as functions get them: every number and boolean is text."""
    if isinstance(value, dict):
        return {name: _as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


TYPES = [
    ResourceType(CUSTOM, properties=frozenset(), open_ended=True, create=_create, update=_update, delete=_delete),
]
