"""The events of an execution: their limit, and their way to the log group of the state machine."""

import json
import queue
import threading
import time
from typing import Any, Final

from moto.stepfunctions.parser.api import LogLevel
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.cloud import Cloud

MOST_EVENTS: Final = 25_000
_RESERVED: Final = 5  # the end of a state and of the execution
_FLUSH_SECONDS: Final = 0.3
_Line = tuple[str, str, int, str]


class History(EventManager):  # type: ignore[misc]  # moto has no type information
    """All events of one execution, over all its redrives."""

    def __init__(self, execution: Any, session: "LogSession | None") -> None:
        super().__init__(session)
        self.execution = execution

    @property
    def is_full(self) -> bool:
        """Whether no further state may begin."""
        return bool(self._event_id_gen._next_id > MOST_EVENTS - _RESERVED)

    @property
    def last_id(self) -> int:
        """The id of the latest event."""
        return int(self._event_id_gen._next_id) - 1


class LogSession:
    """Sends the events that the machine's logging configuration asks for; the engine calls it."""

    def __init__(self, cloud: Cloud, execution: Any, configuration: dict[str, Any], group: str) -> None:
        self._cloud, self._execution, self._group = cloud, execution, group
        self._level = LogLevel(configuration["level"])
        self.execution_arn = execution.exec_arn
        self.include_execution_data = bool(configuration.get("includeExecutionData"))

    @property
    def configuration(self) -> "LogSession":
        """The engine looks for `include_execution_data` there."""
        return self

    def log_level_filter(self, history_event_type: Any) -> bool:
        """Whether events of this type are logged."""
        return bool(is_logging_enabled_for(self._level, history_event_type))

    def publish_history_log(self, history_log: Any) -> None:
        """The event is on its way to the log group."""
        shown = dict(history_log) | {"redrive_count": str(self._execution.redrive_count)}
        shown["event_timestamp"] = str(int(self._cloud.clock.now() * 1000))
        stream = f"states/{self._execution.state_machine.name}/{self._execution.start_date:%Y-%m-%d-%H-%M}"
        _LINES.put((self._group, stream, int(time.time() * 1000), to_json_str(shown)))


_LINES: queue.SimpleQueue[_Line] = queue.SimpleQueue()


def log_session(cloud: Cloud, execution: Any) -> LogSession | None:
    """The session that the machine's logging configuration asks for."""
    configuration = execution.state_machine.loggingConfiguration or {}
    destinations = configuration.get("destinations") or []
    if configuration.get("level", "OFF") == "OFF" or not destinations:
        return None
    group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
    return LogSession(cloud, execution, configuration, group)


def start_logging(cloud: Cloud) -> None:
    """Logged events reach their groups within a second, as AWS promises no sooner either."""

    def write() -> None:
        while not cloud.stopping.is_set():
            time.sleep(_FLUSH_SECONDS)
            for (group, stream), events in _waiting().items():
                cloud.write_logs(group, stream, events)

    threading.Thread(target=write, name="stepfunctions-logs", daemon=True).start()


def _waiting() -> dict[tuple[str, str], list[tuple[int, str]]]:
    streams: dict[tuple[str, str], list[tuple[int, str]]] = {}
    while not _LINES.empty():
        group, stream, moment, message = _LINES.get()
        streams.setdefault((group, stream), []).append((moment, message))
    return streams


def as_json(value: Any) -> Any:
    """`value` as the engine writes it: dates and enumerations are texts."""
    return json.loads(to_json_str(value))
