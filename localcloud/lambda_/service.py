"""Puts execution behind moto's Lambda: the few methods of moto that are replaced, each with its reason."""

import os
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.exceptions import InvalidParameterValueException

from localcloud.cloud import Cloud
from localcloud.lambda_ import mappings
from localcloud.lambda_.assets import Assets
from localcloud.lambda_.asynchronous import AsynchronousQueue
from localcloud.lambda_.checks import (
    Refused,
    check_configuration,
    check_destinations,
    check_routing,
    check_size,
    check_supported,
)
from localcloud.lambda_.functions import ROLE_REFUSED, Functions
from localcloud.lambda_.invocations import Answer, Invoker, read_call
from localcloud.lambda_.launch import SERVICE_PRINCIPAL
from localcloud.lambda_.records import keep_configuration, kept_configuration
from localcloud.lambda_.runtimes import supported_runtimes
from localcloud.lambda_.specification import LATEST
from localcloud.lambda_.xray import XRayDaemon, keep_traces

_FUNCTION = "moto.awslambda.models:LambdaFunction."
_BACKEND = "moto.awslambda.models:LambdaBackend."
_RESPONSE = "moto.awslambda.responses:LambdaResponse."


def install(cloud: Cloud) -> None:
    """Invoke runs functions, configuration is kept whole, and what cannot be done is refused."""
    assets = Assets(cloud.state_dir / "cache" / "lambda", cloud.processes)
    keep_traces(cloud)
    functions = Functions(cloud, assets, XRayDaemon(cloud))
    queue = AsynchronousQueue(cloud, functions.invoke_event, functions.policy, functions.deliver)
    _patch_invocation(cloud, Invoker(functions, queue))
    _patch_configuration(cloud)
    _patch_creation(cloud, functions)
    _patch_event_invoke_config(cloud)
    _patch_aliases(cloud)
    os.environ["MOTO_LAMBDA_CONCURRENCY_QUOTA"] = "1000"  # of an account; moto refuses to reserve more
    mappings.install(cloud, functions)
    _note_runtimes(cloud)


def _patch_invocation(cloud: Cloud, invoker: Invoker) -> None:
    def invoke(self: Any) -> Answer:
        status, headers, payload = invoker.answer(read_call(self))
        return status, {"status": str(status), **headers}, payload  # moto takes the status from this header

    def invoke_function(self: Any, body: Any, _request_headers: Any, _response_headers: Any) -> str:
        invoker.put_event(self.region, self.function_arn, body.encode() if isinstance(body, str) else body)
        return ""

    def request_id(headers: dict[str, str]) -> str:
        return headers.get("x-amzn-requestid") or made_up(headers)

    reason = "overwrites the request id that the function sees"
    made_up = cloud.patches.replace("moto.core.responses:gen_amzn_requestid_long", request_id, reason)
    cloud.patches.replace(_RESPONSE + "invoke", invoke, "moto runs functions in Docker containers only")
    cloud.patches.replace(_FUNCTION + "invoke", invoke_function, "other services of moto invoke asynchronously")


def _patch_configuration(cloud: Cloud) -> None:
    reason = "moto drops LoggingConfig and DeadLetterConfig, and does not update TracingConfig and EphemeralStorage"

    def __init__(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        create(self, account_id, spec, region, version)
        keep_configuration(self, spec)

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        return {**get(self, on_create), **kept_configuration(self)}

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> Any:
        update(self, config_updates)
        keep_configuration(self, config_updates)
        return self.get_configuration()

    create = cloud.patches.replace(_FUNCTION + "__init__", __init__, reason)
    get = cloud.patches.replace(_FUNCTION + "get_configuration", get_configuration, reason)
    update = cloud.patches.replace(_FUNCTION + "update_configuration", update_configuration, reason)


def _patch_creation(cloud: Cloud, functions: Functions) -> None:
    reason = "moto accepts configurations that AWS refuses, or that would be recorded and then ignored"

    def create_function(self: Any, spec: dict[str, Any]) -> Any:
        _check_request(cloud, spec)
        created = create(self, spec)
        record = self.get_function(created.function_name)
        _accept(functions, record, lambda: self.delete_function(record.function_name))
        return created

    def update_function_configuration(self: Any, name: str, qualifier: str, body: dict[str, Any]) -> Any:
        _check_request(cloud, body)
        record = self.get_function(name, qualifier)
        before = dict(vars(record))
        configuration = update(self, name, qualifier, body)
        _accept(functions, record, lambda: vars(record).update(before))
        return configuration

    def update_function_code(self: Any, name: str, qualifier: str, body: dict[str, Any]) -> Any:
        check_supported(body)
        record = self.get_function(name, qualifier)
        before = dict(vars(record))
        configuration = update_code(self, name, qualifier, body)
        if "Architectures" in body:
            record.architectures = body["Architectures"]
        _accept(functions, record, lambda: vars(record).update(before))
        return configuration

    def delete_function(self: Any, name: str, qualifier: str | None = None) -> None:
        functions.retire(self.region_name, name)
        delete(self, name, qualifier)

    def get_layers_data(self: Any, arns: list[str]) -> Any:
        data = layers_data(self, arns)
        functions.remember_layers(self.region, arns)
        return data

    create = cloud.patches.replace(_BACKEND + "create_function", create_function, reason)
    update = cloud.patches.replace(_BACKEND + "update_function_configuration", update_function_configuration, reason)
    update_code = cloud.patches.replace(_BACKEND + "update_function_code", update_function_code, reason)
    delete = cloud.patches.replace(_BACKEND + "delete_function", delete_function, "processes of the function end")
    layers_data = cloud.patches.replace(
        _FUNCTION + "_get_layers_data", get_layers_data, "a deleted layer version stays with functions that have it"
    )


def _patch_event_invoke_config(cloud: Cloud) -> None:
    def put(self: Any, function_name: str, config: dict[str, Any]) -> Any:
        check_destinations(config)
        self.get_function(function_name).event_invoke_config.clear()
        return original(self, function_name, config)

    def update(self: Any, function_name: str, config: dict[str, Any]) -> Any:
        present = self.get_function(function_name).event_invoke_config
        return put(self, function_name, {**(present[0].config if present else {}), **config})

    def check_qualifier(operation: str) -> None:
        def checked(self: Any) -> Any:
            qualifier = self.querystring.get("Qualifier", [LATEST])[0]
            if qualifier != LATEST:
                raise NotImplementedError(f"an event invoke config of a version or alias ({qualifier})")
            return unchecked(self)

        unchecked = cloud.patches.replace(_RESPONSE + operation, checked, "moto ignores the qualifier")

    check_qualifier("put_function_event_invoke_config")
    check_qualifier("update_function_event_invoke_config")
    reason = "moto keeps the first configuration for ever"
    original = cloud.patches.replace(_BACKEND + "put_function_event_invoke_config", put, reason)
    cloud.patches.replace(_BACKEND + "update_function_event_invoke_config", update, reason)


def _patch_aliases(cloud: Cloud) -> None:
    def create_alias(self: Any, **given: Any) -> Any:
        _check_routing(given["routing_config"], given["function_version"])
        return create(self, **given)

    def update_alias(self: Any, **given: Any) -> Any:
        alias = self.get_alias(given["name"], given["function_name"])
        routing = alias.routing_config if given["routing_config"] is None else given["routing_config"]
        _check_routing(routing, given["function_version"] or alias.function_version)
        return update(self, **given | {"function_version": given["function_version"] or alias.function_version})

    reason = "accepts any weights, and wants a version with each update"
    create = cloud.patches.replace(_BACKEND + "create_alias", create_alias, reason)
    update = cloud.patches.replace(_BACKEND + "update_alias", update_alias, reason)


def _check_routing(routing: dict[str, Any] | None, version: str) -> None:
    try:
        check_routing(routing, version)
    except Refused as error:
        raise InvalidParameterValueException(str(error)) from error


def _check_request(cloud: Cloud, given: dict[str, Any]) -> None:
    check_supported(given)
    try:
        check_configuration(given)
    except Refused as error:
        raise InvalidParameterValueException(str(error)) from error
    if "Runtime" in given:
        _check_runtime(cloud, given["Runtime"])
    if "Role" in given:
        _check_role(cloud, given["Role"], given.get("FunctionName", "check"))


def _check_runtime(cloud: Cloud, runtime: str) -> None:
    try:
        cloud.toolchain.lambda_runtime(runtime)
    except LookupError as error:
        raise NotImplementedError(str(error)) from error


def _check_role(cloud: Cloud, role: str, function_name: str) -> None:
    try:
        cloud.clients.role_credentials(role, SERVICE_PRINCIPAL, function_name)
    except ClientError as error:
        raise InvalidParameterValueException(ROLE_REFUSED) from error


def _accept(functions: Functions, record: Any, undo: Callable[[], None]) -> None:
    """The function's package is being prepared; `undo` has run when it is not one that Lambda takes."""
    try:
        check_size(lambda: functions.unzipped_bytes(record))
    except Refused as error:
        undo()
        raise InvalidParameterValueException(str(error)) from error
    functions.prepare(record)


def _note_runtimes(cloud: Cloud) -> None:
    """The server says at its start which functions cannot run, or not with the Python version of their runtime."""
    for runtime in supported_runtimes():
        try:
            note = cloud.toolchain.lambda_runtime(runtime).note
        except LookupError as error:
            note = str(error)
        if note:
            cloud.notes.append(note)
