"""CloudWatch Logs: a row for each group, for each stream, and for the events of each PutLogEvents."""

from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of
from localcloud.durability.kept import is_recording

_MODELS: Final = "moto.logs.models"
_WHY: Final = "tells which state a request changes"
_GROUP_OPERATIONS: Final = (
    "create_log_group",
    "delete_log_group",
    "put_retention_policy",
    "delete_retention_policy",
    "put_subscription_filter",
    "delete_subscription_filter",
)
_Place = tuple[str, str, str, str]


def install(cloud: Cloud) -> None:
    """Groups, streams and events that a request has touched are saved before it is answered."""
    groups = _Groups(cloud)
    for operation in _GROUP_OPERATIONS:
        _watch_groups(cloud, groups, operation)
    for operation in ("create_log_stream", "delete_log_stream"):
        _watch_streams(cloud, groups, operation)
    _watch_events(cloud, groups)


class _Groups:
    """Streams and events name their group's creation time too, so that those of a deleted group are told apart."""

    def __init__(self, cloud: Cloud) -> None:
        keep, lock = cloud.durable.keep, cloud.locks.of("logs")
        self._groups = keep("logs.groups", dump=_dump_group, load=_load_group, lock=lock)
        self._streams = keep("logs.streams", dump=_dump_stream, load=_load_stream, lock=lock)
        self._events = keep("logs.events", dump=_never, load=_load_events)

    def touch(self, backend: Any, name: str) -> None:
        """The group is saved before the request is answered."""
        if is_recording():
            self._groups.changed(backend.account_id, backend.region_name, name)

    def touch_stream(self, group: Any, name: str) -> None:
        """The stream is."""
        if is_recording():
            self._streams.changed(*_place(group), name)

    def append(self, stream: Any, first: int) -> None:
        """The events from `first` on are kept, with what the stream says about itself by now."""
        row = (_stream_state(stream), stream.events[first:])
        self._events.append(row, *_place(stream.log_group), stream.log_stream_name, stream.upload_sequence_token)


def _watch_groups(cloud: Cloud, groups: _Groups, operation: str) -> None:
    def watched(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        answer = original(backend, *arguments, **keywords)
        groups.touch(backend, keywords["log_group_name"] if "log_group_name" in keywords else arguments[0])
        return answer

    original = cloud.patches.replace(f"{_MODELS}:LogsBackend.{operation}", watched, _WHY)


def _watch_streams(cloud: Cloud, groups: _Groups, operation: str) -> None:
    def watched(group: Any, log_stream_name: str) -> Any:
        groups.touch_stream(group, log_stream_name)
        return original(group, log_stream_name)

    original = cloud.patches.replace(f"{_MODELS}:LogGroup.{operation}", watched, _WHY)


def _watch_events(cloud: Cloud, groups: _Groups) -> None:
    def put_log_events(stream: Any, log_events: list[dict[str, Any]]) -> Any:
        first = len(stream.events)
        answer = original(stream, log_events)
        groups.append(stream, first)
        return answer

    original = cloud.patches.replace(f"{_MODELS}:LogStream.put_log_events", put_log_events, _WHY)


def _dump_group(account: str, region: str, name: str) -> dict[str, Any] | None:
    group = backend_of("logs", account, region).groups.get(name)
    return None if group is None else {key: value for key, value in group.__dict__.items() if key != "streams"}


def _load_group(state: dict[str, Any], account: str, region: str, name: str) -> None:
    from moto.logs.models import LogGroup

    group = LogGroup.__new__(LogGroup)
    group.__dict__.update(state, streams={})
    backend_of("logs", account, region).groups[name] = group


def _dump_stream(account: str, region: str, group: str, created: str, name: str) -> dict[str, Any] | None:
    found = _group(account, region, group, created)
    stream = None if found is None else found.streams.get(name)
    return None if stream is None else _stream_state(stream)


def _load_stream(state: dict[str, Any], account: str, region: str, group: str, created: str, name: str) -> None:
    from moto.logs.models import LogStream

    found = _group(account, region, group, created)
    if found is not None:
        stream = found.streams[name] = LogStream.__new__(LogStream)
        stream.__dict__.update(state, log_group=found, events=[])


def _load_events(row: tuple[Any, list[Any]], account: str, region: str, group: str, created: str, *rest: Any) -> None:
    from moto.logs.models import LogEvent

    found = _group(account, region, group, created)
    stream = None if found is None else found.streams.get(rest[0])
    if stream is not None and stream.creation_time == row[0]["creation_time"]:
        stream.__dict__.update(row[0])
        stream.events += row[1]
        LogEvent._event_id = max(LogEvent._event_id, *(event.event_id + 1 for event in row[1]))


def _never(*_key: str | int) -> None:
    """Events are only appended."""


def _stream_state(stream: Any) -> dict[str, Any]:
    return {key: value for key, value in stream.__dict__.items() if key not in ("log_group", "events")}


def _place(group: Any) -> _Place:
    return group.account_id, group.region, group.name, group.creation_time.isoformat()


def _group(account: str, region: str, name: str, created: str) -> Any:
    group = backend_of("logs", account, region).groups.get(name)
    return group if group is not None and _place(group)[3] == created else None
