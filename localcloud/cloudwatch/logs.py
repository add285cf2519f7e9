"""CloudWatch Logs on the virtual clock, and the metrics that log events embed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.cloudwatch.emf import extract
from localcloud.timestamps import received

_MOST_EVENTS: Final = 1000
_MOST_BYTES: Final = 900_000
_EVENT_OVERHEAD_BYTES: Final = 26

PutData = Callable[[str, list[dict[str, Any]], str], None]


def install(cloud: Cloud, put_data: PutData) -> None:
    """Log events have virtual times, embedded metrics are put, and `cloud.write_logs` writes."""

    def put_log_events(
        backend: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]
    ) -> Any:
        clock = cloud.clock
        placed = [
            {**event, "timestamp": int(received(clock, event["timestamp"] / 1000) * 1000)} for event in log_events
        ]
        answer = original(backend, log_group_name, log_stream_name, placed)
        for event in placed:
            _put_embedded(cloud, put_data, event["message"], backend.region_name)
        return answer

    def utcnow() -> datetime:
        return cloud.clock.utcnow().astimezone(UTC).replace(tzinfo=None)

    original = cloud.patches.replace(
        "moto.logs.models:LogsBackend.put_log_events", put_log_events, "knows no embedded metrics"
    )
    cloud.patches.replace("moto.logs.models:utcnow", utcnow, "real time")
    cloud.write_logs = _Writer(cloud).write


def _put_embedded(cloud: Cloud, put_data: PutData, message: str, region: str) -> None:
    for embedded in extract(message):
        time = received(cloud.clock, embedded.milliseconds / 1000)
        put_data(embedded.namespace, [{**datum, "Timestamp": time} for datum in embedded.data], region)


class _Writer:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def write(self, group: str, stream: str, events: list[tuple[int, str]], *, region: str | None = None) -> None:
        """The events are in the stream, which exists."""
        client = self._cloud.clients.admin("logs", region)
        for batch in batches(events):
            log_events = [{"timestamp": time, "message": message} for time, message in batch]
            try:
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=log_events)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                _create(client, group, stream)
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=log_events)


def batches(events: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """The events by time, in batches that PutLogEvents accepts."""
    made: list[list[tuple[int, str]]] = []
    size = 0
    for time, message in sorted(events, key=lambda event: event[0]):
        length = len(message.encode()) + _EVENT_OVERHEAD_BYTES
        if not made or len(made[-1]) >= _MOST_EVENTS or size + length > _MOST_BYTES:
            made.append([])
            size = 0
        made[-1].append((time, message))
        size += length
    return made


def _create(client: Any, group: str, stream: str) -> None:
    for create, names in (
        (client.create_log_group, {"logGroupName": group}),
        (client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            create(**names)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
