"""Types that no service makes: custom resources, which a Lambda function makes, and the CDK's note of itself."""

import json
import uuid
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed
from localcloud.cloudformation.resource_type import CUSTOM, Handling, ResourceType, words

_LONGEST_SECONDS = 3600
_REF = "@ref"  # no name of an attribute


def _create(handling: Handling) -> dict[str, Any]:
    return _ask(handling, "Create")


def _update(handling: Handling) -> dict[str, Any]:
    if handling.changed("ServiceToken"):
        raise ResourceFailed("Modifying service token is not allowed.")
    return _ask(handling, "Update", OldResourceProperties=_as_text(handling.old_properties))


def _delete(handling: Handling) -> None:
    _ask(handling, "Delete")


def _ask(handling: Handling, request_type: str, **more: Any) -> dict[str, Any]:
    """The answer's Data, with its PhysicalResourceId under `_REF`; raises ResourceFailed when there is no success."""
    callback, request_id = handling.open_callback(), str(uuid.uuid4())
    request = {
        "RequestType": request_type,
        "ServiceToken": handling.properties["ServiceToken"],
        "ResponseURL": callback.url,
        "StackId": handling.stack.id,
        "RequestId": request_id,
        "LogicalResourceId": handling.logical_id,
        "ResourceType": handling.type_name,
        "ResourceProperties": _as_text(handling.properties),
        **({"PhysicalResourceId": handling.physical_id} if handling.physical_id else {}),
        **more,
    }
    _invoke(handling, request)
    answer = callback.wait(float(handling.properties.get("ServiceTimeout", _LONGEST_SECONDS)))
    if answer is None:
        message = "CloudFormation did not receive a response from your Custom Resource."
        raise _failed(handling, "", f"{message} Please check your logs for requestId [{request_id}].")
    physical_id = str(answer.get("PhysicalResourceId") or handling.physical_id or handling.name)
    if answer.get("Status") != "SUCCESS":
        message = "Received response status [FAILED] from custom resource. Message returned:"
        raise _failed(handling, physical_id, f"{message} {answer.get('Reason', '')} (RequestId: {request_id})")
    return {**(answer.get("Data") or {}), _REF: physical_id}


def _invoke(handling: Handling, request: dict[str, Any]) -> None:
    """The function has run; one that fails is not waited for, where AWS would wait until the time is over."""
    function = str(handling.properties["ServiceToken"])
    if ":lambda:" not in function:
        raise ResourceFailed(f"the local cloud has custom resources of Lambda functions, not of {function}")
    answer = handling.client.invoke(FunctionName=function, Payload=json.dumps(request))
    if "FunctionError" in answer:
        text = answer["Payload"].read().decode()
        raise _failed(handling, "", f"The function of the custom resource failed: {text}")


def _failed(handling: Handling, physical_id: str, message: str) -> ResourceFailed:
    """The failure; after one of a Create the function is asked to delete, as on AWS, even if it made nothing."""
    if not handling.physical_id:
        handling.begun(physical_id or handling.name)
    return ResourceFailed(message)


def _as_text(value: Any) -> Any:
    """Properties as functions get them: every number and boolean is text."""
    if isinstance(value, dict):
        return {name: _as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _nothing(_handling: Handling) -> None:
    """There is nothing to do: the resource only carries information in the template."""


TYPES = [
    ResourceType(
        CUSTOM,
        "lambda",
        create=_create,
        update=_update,
        delete=_delete,
        properties=frozenset(),
        ref=_REF,
        open_ended=True,
    ),
    ResourceType(
        "AWS::CDK::Metadata",
        "",
        create=_nothing,
        delete=_nothing,
        properties=words("Analytics Modules"),
        attributes={"Id": "{ref}"},
    ),
]
