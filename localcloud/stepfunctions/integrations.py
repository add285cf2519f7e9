"""Integrations that moto lacks: SageMaker's jobs with and without .sync, its models and endpoints."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.cloud import Cloud
from localcloud.stepfunctions import naming
from localcloud.stepfunctions.definition import INTEGRATIONS, service_model
from localcloud.stepfunctions.engine import SERVICE, replace_everywhere

_DONE: Final = frozenset({"Completed"})
_FAILED: Final = frozenset({"Failed", "Stopped"})


@dataclass(frozen=True)
class _Job:
    """Operations of one kind of job; its name in requests and its status in descriptions share the kind's name."""

    kind: str
    operation: str

    @property
    def name_field(self) -> str:
        return f"{self.kind}Name"

    @property
    def status_field(self) -> str:
        return f"{self.kind}Status"


_JOBS: Final = {
    "createTrainingJob": _Job("TrainingJob", "training_job"),
    "createProcessingJob": _Job("ProcessingJob", "processing_job"),
    "createTransformJob": _Job("TransformJob", "transform_job"),
    "createHyperParameterTuningJob": _Job("HyperParameterTuningJob", "hyper_parameter_tuning_job"),
}


def install(cloud: Cloud) -> None:
    """State machines that use SageMaker run; those with integrations that nothing here runs are refused."""
    original = state_task_service_factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return SageMakerTask() if service_name == "sagemaker" else original(service_name)

    replace_everywhere(cloud, "state_task_service_for", original, service_for, "has no SageMaker integration")
    _install_sdk_dates(cloud)


def _install_sdk_dates(cloud: Cloud) -> None:
    task = f"{SERVICE}.state_task_service_aws_sdk:StateTaskServiceAwsSdk._eval_service_task"

    def eval_service_task(self: Any, env: Any, **arguments: Any) -> None:
        original(self, env, **arguments)
        env.stack.append(naming.with_iso_dates(env.stack.pop()))

    original = cloud.patches.replace(task, eval_service_task, "leaves datetimes in the output, which is not JSON")


class SageMakerTask(StateTaskServiceCallback):  # type: ignore[misc]  # moto has no type information
    """The optimized SageMaker integration."""

    def __init__(self) -> None:
        # the engine waits for jobs at the endpoint that it keeps for tokens
        super().__init__(supported_integration_patterns={ResourceCondition.Sync, ResourceCondition.WaitForTaskToken})

    def _get_supported_parameters(self) -> set[str] | None:
        return set() if self.resource.api_action in INTEGRATIONS["sagemaker"] else None

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        client = _client(resource_runtime_part, state_credentials)
        response = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        response.pop("ResponseMetadata", None)
        env.stack.append(naming.with_epoch_dates(response))

    def _build_sync_resolver(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> Callable[[], Any]:
        env.stack.pop()
        job = _JOBS[self.resource.api_action]
        client = _client(resource_runtime_part, state_credentials)
        names = {job.name_field: normalised_parameters[job.name_field]}

        def resolve() -> Any:
            description = getattr(client, f"describe_{job.operation}")(**names)
            description.pop("ResponseMetadata", None)
            return self._outcome(env, job, naming.with_epoch_dates(description))

        resolve.stop = lambda: getattr(client, f"stop_{job.operation}")(**names)  # type: ignore[attr-defined]
        return resolve

    def _outcome(self, env: Any, job: _Job, description: dict[str, Any]) -> dict[str, Any] | None:
        status = description[job.status_field]
        if status in _DONE:
            return description
        if status in _FAILED:
            raise FailureEventException(
                self._failure(
                    env,
                    StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed),
                    StatesErrorNameType.StatesTaskFailed.to_name(),
                    to_json_str(description),
                )
            )
        return None

    def _eval_sync(self, env: Any, sync_resolver: Any, *arguments: Any, **keywords: Any) -> Any:
        """A job whose task was stopped or timed out is stopped too, as AWS does when it can."""
        outcome = super()._eval_sync(env, sync_resolver, *arguments, **keywords)
        if outcome is None:
            _stop(sync_resolver.stop)
            raise TimeoutError(f"{self.resource.resource_arn} was given up")
        return outcome

    def _from_error(self, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"]
            name = naming.modelled_error("SageMaker", "AmazonSageMakerException", code, service_model("sagemaker"))
            return self._failure(env, CustomErrorName(name), name, naming.client_error_cause("AmazonSageMaker", ex))
        return super()._from_error(env=env, ex=ex)

    def _failure(self, env: Any, error_name: Any, error: str, cause: str) -> Any:
        details = TaskFailedEventDetails(
            error=error, cause=cause, resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type()
        )
        return FailureEvent(
            env=env,
            error_name=error_name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )


def _client(resource_runtime_part: Any, state_credentials: Any) -> Any:
    return boto_client.boto_client_for(
        region=resource_runtime_part.region, service="sagemaker", state_credentials=state_credentials
    )


def _stop(stop: Callable[[], Any]) -> None:
    try:
        stop()
    except (ClientError, BotoCoreError) as error:
        print(f"a job whose state was given up could not be stopped: {error}", file=sys.stderr, flush=True)
