"""moto's engine on our clock, with our clients: role credentials, waits, retries, timeouts and names."""

import sys
import threading
import types
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.stepfunctions import naming
from localcloud.stepfunctions.definition import SDK_NAMES, boto_service
from localcloud.stepfunctions.virtual_time import Waits, datetime_module, event_class, threading_module

ASL: Final = "moto.stepfunctions.parser.asl"
SERVICE: Final = f"{ASL}.component.state.exec.state_task.service"
PRINCIPAL: Final = "states.amazonaws.com"
_WORK_GRACE_SECONDS: Final = 300.0
_SYNC_POLL_SECONDS: Final = 0.1
_TERMINAL: Final = ("States.Runtime", "States.DataLimitExceeded")
_REAL_TIME: Final = "measures real time"


def install(cloud: Cloud) -> None:
    """Every execution acts as its machine's role and waits on the virtual clock."""
    import moto.stepfunctions.parser.models  # noqa: F401  loads every module of the engine

    _install_clients(cloud)
    _install_clock(cloud)
    _install_ends(cloud)
    _install_wildcard(cloud)
    _install_case(cloud)
    _install_errors(cloud)


def replace_everywhere(cloud: Cloud, name: str, original: object, new: object, reason: str) -> None:
    """`new` stands wherever a module of the engine has imported `original` by its name."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.stepfunctions.") and getattr(module, name, None) is original:
            cloud.patches.replace(f"{module_name}:{name}", new, reason)


def _install_clients(cloud: Cloud) -> None:
    from moto.stepfunctions.parser.asl.utils import boto_client

    def state_credentials(state: Any, env: Any) -> types.SimpleNamespace:
        machine = env.states.context_object.context_object_data["StateMachine"]["Id"].partition("/")[0]
        return types.SimpleNamespace(role_arn=env.aws_execution_details.role_arn, machine_arn=machine)

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        machine = state_credentials.machine_arn
        session = machine.rsplit(":", 1)[-1]
        role, name = state_credentials.role_arn, boto_service(service)
        return cloud.clients.as_role(role, PRINCIPAL, session, name, region, machine)

    original = boto_client.boto_client_for
    replace_everywhere(cloud, "boto_client_for", original, client_for, "calls with fixed keys instead of the role")
    cloud.patches.replace(
        f"{ASL}.component.state.exec.state_task.state_task:StateTask._eval_state_credentials",
        state_credentials,
        "the role is assumed for the machine, which its trust policy may demand",
    )


def _install_clock(cloud: Cloud) -> None:
    replace, clock = cloud.patches.replace, cloud.clock
    virtual_threading = threading_module(clock, _WORK_GRACE_SECONDS)
    replace(f"{ASL}.component.state.exec.execute_state:threading", virtual_threading, _REAL_TIME)
    replace(f"{ASL}.component.program.program:threading", virtual_threading, _REAL_TIME)
    replace(f"{ASL}.eval.callback.callback:Event", event_class(clock, 0.0), _REAL_TIME)
    replace(f"{SERVICE}.state_task_service_callback:_DELAY_SECONDS_SYNC_CONDITION_CHECK", _SYNC_POLL_SECONDS, "slow")
    virtual_datetime = datetime_module(clock)
    for module in (
        f"{ASL}.component.state.wait.wait_function.timestamp",
        f"{ASL}.component.state.state",
        f"{ASL}.eval.event.event_manager",
        "moto.stepfunctions.parser.backend.execution",
        "moto.stepfunctions.parser.models",
    ):
        replace(f"{module}:datetime", virtual_datetime, _REAL_TIME)
    replace("moto.stepfunctions.models:utcnow", virtual_datetime.datetime.now, _REAL_TIME)
    _install_waits(cloud)


def _install_ends(cloud: Cloud) -> None:
    def evaluate_with_timeout(state: Any, env: Any) -> None:
        try:
            original(state, env)
        except Exception:
            if env.is_running():
                raise
            env.stack.append(env.states.get_input())

    original = cloud.patches.replace(
        f"{ASL}.component.state.exec.execute_state:ExecutionState._evaluate_with_timeout",
        evaluate_with_timeout,
        "what fails because the execution was stopped turns ABORTED into FAILED",
    )


def _install_wildcard(cloud: Cloud) -> None:
    def evaluate(declaration: Any, env: Any) -> None:
        if env.stack[-1].error_name in _TERMINAL and str(declaration.error_names[0].error_name) == "States.ALL":
            env.stack[-1] = False
        else:
            original(declaration, env)

    target = f"{ASL}.component.common.error_name.error_equals_decl:ErrorEqualsDecl._eval_body"
    original = cloud.patches.replace(target, evaluate, "lets States.ALL catch what ends an execution on AWS")


def _install_waits(cloud: Cloud) -> None:
    waits = Waits(cloud.clock)
    running = threading.local()

    def evaluate(program: Any, env: Any) -> None:
        if program.timeout_seconds and not env.is_frame():
            waits.limit(env, program.timeout_seconds.timeout_seconds)
        original_evaluate(program, env)

    def wait_interval(wait: Any, env: Any, wait_seconds: float) -> None:
        waits.sleep(env, wait_seconds)

    def retry(declaration: Any, env: Any) -> None:
        running.env = env
        original_retry(declaration, env)

    def sleep(seconds: float) -> None:
        waits.sleep(running.env, seconds)

    replace, retrier = cloud.patches.replace, f"{ASL}.component.common.retry.retrier_decl"
    wait_function = f"{ASL}.component.state.wait.wait_function.wait_function:WaitFunction"
    original_evaluate = replace(f"{ASL}.component.program.program:Program.eval", evaluate, _REAL_TIME)
    replace(f"{wait_function}._wait_interval", wait_interval, _REAL_TIME)
    original_retry = replace(f"{retrier}:RetrierDecl._eval_body", retry, "sleeps on after a stop")
    replace(f"{retrier}:time", types.SimpleNamespace(sleep=sleep), _REAL_TIME)


def _install_case(cloud: Cloud) -> None:
    def parameters(
        task: Any,
        parameters: dict[str, Any],
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        operation = _operation(cloud, task, boto_service_name, service_action_name)
        if operation is not None and operation.input_shape is not None:
            task._to_boto_request(parameters, operation.input_shape)

    def response(
        task: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        operation = _operation(cloud, task, boto_service_name, service_action_name)
        if operation is not None and operation.output_shape is not None:
            task._from_boto_response(response, operation.output_shape)

    base, reason = f"{SERVICE}.state_task_service:StateTaskService", "is empty in moto, so that names do not fit"
    cloud.patches.replace(f"{base}._normalise_parameters", parameters, reason)
    cloud.patches.replace(f"{base}._normalise_response", response, reason)
    names = {**SDK_NAMES, "sfn": "stepfunctions"}
    cloud.patches.replace(f"{base}._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES", names, "knows two services only")


def _operation(cloud: Cloud, task: Any, service: str | None, action: str | None) -> Any:
    client = cloud.clients.admin(task._get_boto_service_name(service))
    name = client.meta.method_to_api_mapping.get(task._get_boto_service_action(action))
    return None if name is None else client.meta.service_model.operation_model(name)


def _install_errors(cloud: Cloud) -> None:
    _install_api_errors(cloud)

    def sdk_service_name(service_name: str) -> str:
        return naming.sdk_service_name(cloud.clients.admin(boto_service(service_name)).meta.service_model.service_id)

    cloud.patches.replace(
        f"{SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._normalise_service_error_name",
        staticmethod(sdk_service_name),
        "errors carry the service's name as the state machine wrote it",
    )
    _install_lambda_errors(cloud)


def _install_api_errors(cloud: Cloud) -> None:
    """The engine's own errors reach the caller with their code, also those that it raises without a message."""
    from moto.stepfunctions.parser import api

    for error in api.ServiceException.__subclasses__():
        if error.__module__ == api.__name__:
            target, default = f"{api.__name__}:{error.__name__}", f"{error.code}: see the request"
            cloud.patches.replace(f"{target}.TYPE", error.code, "answers without an error code")
            cloud.patches.replace(f"{target}.__init__", _initialiser(api.ServiceException, default), "needs a message")


def _initialiser(base: Any, default: str) -> Any:
    def __init__(error: Any, message: str = default, **_more: Any) -> None:
        base.__init__(error, message)

    return __init__


def _install_lambda_errors(cloud: Cloud) -> None:
    module = sys.modules[f"{SERVICE}.state_task_service_lambda"]
    module._SUPPORTED_API_PARAM_BINDINGS["invoke"].add("InvocationType")
    for task in (
        f"{SERVICE}.state_task_service_lambda:StateTaskServiceLambda",
        f"{ASL}.component.state.exec.state_task.state_task_lambda:StateTaskLambda",
    ):
        _rename_lambda_errors(cloud, f"{task}._from_error")


def _rename_lambda_errors(cloud: Cloud, target: str) -> None:
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName

    def from_error(task: Any, env: Any, ex: Exception) -> Any:
        failure = original(task, env, ex)
        renamed = _lambda_error(cloud, ex)
        if renamed is not None:
            failure.error_name = CustomErrorName(renamed[0])
            for details in failure.event_details.values():
                details.update(error=renamed[0], cause=renamed[1])
        return failure

    original = cloud.patches.replace(target, from_error, "calls a failure without an error type `Exception`")


def _lambda_error(cloud: Cloud, error: Exception) -> tuple[str, str] | None:
    """Error and cause where moto's differ from AWS's: no error type, an unmodelled error, no answer at all."""
    if isinstance(error, ClientError):
        model = cloud.clients.admin("lambda").meta.service_model
        code = error.response["Error"]["Code"]
        name = naming.modelled_error("Lambda", "AWSLambdaException", code, model)
        return name, naming.client_error_cause("AWSLambda", error)
    if isinstance(error, BotoCoreError):
        return "Lambda.SdkClientException", str(error)
    payload = getattr(error, "payload", None)
    return None if payload is None else naming.unknown_function_error(payload)
