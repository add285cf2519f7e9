"""The API of event source mappings: SQS queues only, and what AWS refuses of them is refused."""

import json
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.exceptions import InvalidParameterValueException

from localcloud.cloud import Cloud
from localcloud.eventbridge import pattern
from localcloud.lambda_.event_sources import MOST_AT_ONCE, EventSources, queue_record
from localcloud.lambda_.functions import Functions
from localcloud.lambda_.invocations import ApiError
from localcloud.lambda_.launch import SERVICE_PRINCIPAL

_MODELS = "moto.awslambda.models:"
_RESPONSE = "moto.awslambda.responses:LambdaResponse."
_LARGEST_BATCH = 10_000
_DONE = frozenset(
    [
        "FunctionName",
        "EventSourceArn",
        "Enabled",
        "BatchSize",
        "MaximumBatchingWindowInSeconds",
        "FilterCriteria",
        "FunctionResponseTypes",
        "ScalingConfig",
        "Tags",
    ]
)
_ALWAYS_SHOWN = {"FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}


def install(cloud: Cloud, functions: Functions) -> None:
    """CreateEventSourceMapping and its siblings work for queues, which are polled from now on."""
    cloud.durable.after_load(EventSources(cloud, functions).start)
    _patch_changes(cloud, functions)
    _patch_answers(cloud)


def _patch_changes(cloud: Cloud, functions: Functions) -> None:
    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        from moto.awslambda.models import EventSourceMapping

        _check(spec)
        _check_source(cloud, functions, self, spec)
        found = functions.find(self.region_name, spec["FunctionName"])
        more = {"RegionName": self.region_name, "AccountId": self.account_id, "FunctionArn": found.invoked_arn}
        mapping = EventSourceMapping(spec | more)
        self._event_source_mappings[mapping.uuid] = mapping
        return mapping

    def update_event_source_mapping(self: Any, uuid: str, spec: dict[str, Any]) -> Any:
        mapping = _existing(self, uuid)
        _check(_described(mapping) | spec)
        return update(self, uuid, spec)

    def delete_event_source_mapping(self: Any, uuid: str) -> Any:
        return delete(self, _existing(self, uuid).uuid)

    replace, backend = cloud.patches.replace, _MODELS + "LambdaBackend."
    reason = "delivers one message at a time with made-up attributes, and ignores batches, filters and failures"
    replace(backend + "create_event_source_mapping", create_event_source_mapping, reason)
    update = replace(backend + "update_event_source_mapping", update_event_source_mapping, "accepts anything")
    delete = replace(backend + "delete_event_source_mapping", delete_event_source_mapping, "a 404 without an error")


def _patch_answers(cloud: Cloud) -> None:
    def list_event_source_mappings(self: Any, source: str | None, function: str | None) -> list[Any]:
        mappings = list(self._event_source_mappings.values())
        if source:
            mappings = [one for one in mappings if one.event_source_arn == source]
        return [one for one in mappings if not function or _name(one.function_arn) == _name(function)]

    def get_configuration(self: Any) -> dict[str, Any]:
        return {**_ALWAYS_SHOWN, **describe(self), "StateTransitionReason": "USER_INITIATED"}

    def respond_to_create(self: Any) -> tuple[int, dict[str, Any], str]:
        mapping = self.backend.create_event_source_mapping(self.json_body)
        return 202, {"status": 202}, json.dumps(mapping.get_configuration() | {"State": "Creating"})

    replace = cloud.patches.replace
    target = _MODELS + "LambdaBackend.list_event_source_mappings"
    replace(target, list_event_source_mappings, "a name does not find an ARN")
    describe = replace(_MODELS + "EventSourceMapping.get_configuration", get_configuration, "leaves out defaults")
    replace(_RESPONSE + "create_event_source_mapping", respond_to_create, "answers 201 and Enabled")


def _check(spec: dict[str, Any]) -> None:
    """Raises AWS's error for a mapping that cannot be, and NotImplementedError for one that nothing would run."""
    arn = spec.get("EventSourceArn", "")
    unknown = sorted(set(spec) - _DONE)
    if arn.split(":")[2:3] != ["sqs"] or arn.endswith(".fifo"):
        raise NotImplementedError(f"event source mappings of {arn or 'such sources'}; there are those of SQS queues")
    if unknown:
        raise NotImplementedError(f"event source mappings with {', '.join(unknown)}")
    size = spec.get("BatchSize") or MOST_AT_ONCE
    if size > _LARGEST_BATCH:
        raise InvalidParameterValueException(f"BatchSize {size} exceeds the max of {_LARGEST_BATCH}")
    if size > MOST_AT_ONCE and not spec.get("MaximumBatchingWindowInSeconds"):
        raise InvalidParameterValueException(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    for one in (spec.get("FilterCriteria") or {}).get("Filters") or []:
        try:
            pattern.validate(json.loads(one.get("Pattern") or "null"))
        except ValueError as error:
            raise InvalidParameterValueException("Invalid filter pattern definition.") from error


def _check_source(cloud: Cloud, functions: Functions, backend: Any, spec: dict[str, Any]) -> None:
    arn, found = spec["EventSourceArn"], functions.find(backend.region_name, spec["FunctionName"])
    queue = queue_record(cloud.account, arn)
    if queue is None:
        raise InvalidParameterValueException(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )
    if queue.visibility_timeout < found.spec.timeout_seconds:
        raise InvalidParameterValueException(
            f"Queue visibility timeout: {queue.visibility_timeout} seconds is less than Function timeout: "
            f"{found.spec.timeout_seconds:.0f} seconds"
        )
    for other in backend.list_event_source_mappings(arn, found.spec.name):
        raise ApiError(
            409,
            "ResourceConflictException",
            f'An event source mapping with SQS arn (" {arn} ") and function (" {found.spec.name} ") already exists. '
            f"Please update or delete the existing mapping with UUID {other.uuid}",
        )
    _check_role(cloud, found.spec.role, found.spec.name, arn)


def _check_role(cloud: Cloud, role: str, name: str, arn: str) -> None:
    """AWS tries ReceiveMessage, which would count as a receipt here; the other call that a mapping needs tells too."""
    region, _, queue = arn.split(":")[3:6]
    sqs = cloud.clients.as_role(role, SERVICE_PRINCIPAL, name, "sqs", region=region)
    try:
        sqs.get_queue_attributes(QueueUrl=f"{cloud.endpoint}/{cloud.account}/{queue}", AttributeNames=["QueueArn"])
    except ClientError as error:
        raise InvalidParameterValueException(
            "The provided execution role does not have permissions to call ReceiveMessage on SQS"
        ) from error


def _existing(backend: Any, uuid: str) -> Any:
    mapping = backend.get_event_source_mapping(uuid)
    if mapping is None:
        raise ApiError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
    return mapping


def _described(mapping: Any) -> dict[str, Any]:
    return {name: value for name, value in mapping.get_configuration().items() if name in _DONE}


def _name(function: str) -> str:
    return function.rpartition(":function:")[2].partition(":")[0]
