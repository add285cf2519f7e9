"""CloudWatch Logs on the virtual clock: embedded metrics, retention, keys, and which filter patterns are understood."""

import re
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud
from localcloud.cloudwatch.emf import extract
from localcloud.cloudwatch.metrics import NEWEST_SECONDS, OLDEST_SECONDS
from localcloud.timestamps import received

_DAY_MILLISECONDS: Final = 86_400_000
_MOST_EVENTS: Final = 1000
_MOST_BYTES: Final = 900_000
_EVENT_OVERHEAD_BYTES: Final = 26
_STREAM: Final = "moto.logs.models:LogStream"
_RESPONSE: Final = "moto.logs.responses:LogsResponse"
_TERM: Final = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def install(cloud: Cloud) -> None:
    """Log events have virtual times, embedded metrics are put, and `cloud.write_logs` writes."""

    def put_log_events(
        backend: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]
    ) -> Any:
        placed = [{**event, "timestamp": _virtual(cloud, event["timestamp"])} for event in log_events]
        answer = original(backend, log_group_name, log_stream_name, placed)
        for event in placed:
            _put_embedded(cloud, event["message"], backend.region_name)
        return answer

    def utcnow() -> datetime:
        return cloud.clock.utcnow().astimezone(UTC).replace(tzinfo=None)

    original = cloud.patches.replace(
        "moto.logs.models:LogsBackend.put_log_events", put_log_events, "knows no embedded metrics"
    )
    cloud.patches.replace("moto.logs.models:utcnow", utcnow, "real time")
    cloud.patches.replace("moto.logs.models:EventMessageFilter", Terms, "lets all through that it does not understand")
    _install_reading(cloud)
    _install_keys(cloud)
    cloud.write_logs = _Writer(cloud).write


class Terms:
    """A filter pattern of terms and "phrases": all that are plain, one of those with `?`, none of those with `-`."""

    def __init__(self, pattern: str | None) -> None:
        from moto.logs.exceptions import InvalidParameterException

        if (pattern or "").lstrip()[:1] in ("{", "[", "%"):
            raise InvalidParameterException(f"The local cloud filters log events by terms only, not by {pattern}.")
        self._terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
        for kind, phrase, word in _TERM.findall(pattern or ""):
            self._terms[kind].append(phrase or word)

    def matches(self, message: str) -> bool:
        """Whether the message passes."""
        plain, either, never = ([term in message for term in self._terms[kind]] for kind in ("", "?", "-"))
        return all(plain) and (not either or any(either)) and not any(never)


def _install_reading(cloud: Cloud) -> None:
    """Expired events are gone; a reader's times are read as a writer's are."""

    def get_log_events(stream: Any, start_time: Any, end_time: Any, *rest: Any) -> Any:
        _expire(cloud, stream)
        return get(stream, _virtual(cloud, start_time), _virtual(cloud, end_time), *rest)

    def filter_log_events(stream: Any, start_time: Any, end_time: Any, filter_pattern: str) -> Any:
        _expire(cloud, stream)
        return find(stream, _virtual(cloud, start_time), _virtual(cloud, end_time), filter_pattern)

    def filter_group(group: Any, *arguments: Any) -> Any:
        return in_group(group, *arguments[:-1], True)

    get = cloud.patches.replace(f"{_STREAM}.get_log_events", get_log_events, "keeps events for ever")
    find = cloud.patches.replace(f"{_STREAM}.filter_log_events", filter_log_events, "keeps events for ever")
    target = "moto.logs.models:LogGroup.filter_log_events"
    in_group = cloud.patches.replace(target, filter_group, "gives the events of one stream after another")


def _expire(cloud: Cloud, stream: Any) -> None:
    days = stream.log_group.retention_in_days
    if days:
        oldest = cloud.clock.now() * 1000 - int(days) * _DAY_MILLISECONDS
        stream.events = [event for event in stream.events if event.timestamp >= oldest]


def _install_keys(cloud: Cloud) -> None:
    def create_log_group(response: Any) -> Any:
        name, key = response._get_param("logGroupName"), response._get_param("kmsKeyId")
        if key is not None and name not in response.logs_backend.groups:
            _check_key(cloud, response, name, key)
        return create(response)

    def associate_kms_key(response: Any) -> str:
        group = _group(response)
        _check_key(cloud, response, group.name, response._get_param("kmsKeyId"))
        group.kms_key_id = response._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(response: Any) -> str:
        _group(response).kms_key_id = None
        return ""

    create = cloud.patches.replace(f"{_RESPONSE}.create_log_group", create_log_group, "takes any key")
    for operation in (associate_kms_key, disassociate_kms_key):
        cloud.patches.add(f"{_RESPONSE}.{operation.__name__}", operation, "is not in moto")


def _group(response: Any) -> Any:
    from moto.logs.exceptions import ResourceNotFoundException

    group = response.logs_backend.groups.get(response._get_param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException()
    return group


def _check_key(cloud: Cloud, response: Any, group: str, key: str) -> None:
    """CloudWatch Logs itself may use the key for this group, as the key's policy says."""
    from moto.core.exceptions import JsonRESTError

    arn = f"arn:aws:logs:{response.region}:{cloud.account}:log-group:{group}"
    kms = cloud.clients.as_service(f"logs.{response.region}.amazonaws.com", "kms", response.region, arn)
    try:
        kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext={"aws:logs:arn": arn})
    except (ClientError, BotoCoreError) as error:
        message = f"The specified KMS Key does not exist or is not allowed to be used with Arn '{arn}'"
        raise JsonRESTError("AccessDeniedException", message) from error


def _virtual(cloud: Cloud, milliseconds: Any) -> Any:
    """The virtual time that a caller's timestamp means; None stays."""
    return None if milliseconds is None else int(received(cloud.clock, milliseconds / 1000) * 1000)


def _put_embedded(cloud: Cloud, message: str, region: str) -> None:
    """Embedded metrics of the last two weeks are put; CloudWatch ignores others."""
    for embedded in extract(message):
        time = received(cloud.clock, embedded.milliseconds / 1000)
        if not -OLDEST_SECONDS <= time - cloud.clock.now() <= NEWEST_SECONDS:
            continue
        data = [{**datum, "Timestamp": time} for datum in embedded.data]
        cloud.put_metrics(embedded.namespace, data, region=region)


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
