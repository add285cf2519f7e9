"""SQS: a row for each queue, for each message, and for the receipt handles of each deleted message."""

import time
from collections.abc import Callable
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of
from localcloud.durability.kept import is_recording

_MODELS: Final = "moto.sqs.models"
_WHY: Final = "tells which state a request changes"
_HANDLES_KEPT_SECONDS: Final = 3600.0  # whoever deletes a message once more does so soon
# messages have rows of their own; the rest is found again when all queues are there
_NOT_IN_THE_ROW: Final[dict[str, Callable[[], Any]]] = {
    "_messages": list,
    "_pending_messages": set,
    "deleted_messages": set,
    "lambda_event_source_mappings": dict,
    "dead_letter_queue": lambda: None,
}


def install(cloud: Cloud) -> None:
    """Queues and messages that a request has touched are saved before it is answered."""
    queues = _Queues(cloud)
    _watch_queues(cloud, queues)
    _watch_messages(cloud, queues)


class _Queues:
    """Messages are found by their id; a message's row tells its queue, which may become the dead-letter queue."""

    def __init__(self, cloud: Cloud) -> None:
        keep, lock = cloud.durable.keep, cloud.locks.of("sqs")
        self._queues = keep("sqs.queues", dump=self._dump, load=self._load, lock=lock, compare=True)
        self._messages = keep("sqs.messages", dump=self._dump_message, load=self._load_message, lock=lock)
        self._handles = keep("sqs.handles", dump=_no_row, load=self._load_handles)
        self._where: dict[str, tuple[Any, Any]] = {}
        cloud.durable.after_load(self._find_dead_letter_queues)

    def touch(self, account: str, region: str, name: str) -> None:
        """The queue is saved before the request is answered."""
        if is_recording():
            self._queues.changed(account, region, name)

    def touch_message(self, message: Any, queue: Any = None) -> None:
        """The message is saved, or not kept any more, before the request is answered; `queue` when it is new there."""
        if queue is not None:
            self._where[message.id] = (queue, message)
        if is_recording():
            self._messages.changed(message.id)

    def touch_all(self, queue: Any) -> None:
        """All messages of the queue are."""
        for message in queue._messages:
            self.touch_message(message)

    def _dump(self, account: str, region: str, name: str) -> dict[str, Any] | None:
        queue = backend_of("sqs", account, region).queues.get(name)
        if queue is None:
            return None
        return {key: value for key, value in queue.__dict__.items() if key not in _NOT_IN_THE_ROW}

    def _load(self, state: dict[str, Any], account: str, region: str, name: str) -> None:
        from moto.sqs.models import Queue

        queue = Queue.__new__(Queue)
        queue.__dict__.update(state, **{key: make() for key, make in _NOT_IN_THE_ROW.items()})
        backend_of("sqs", account, region).queues[name] = queue

    def _dump_message(self, message_id: str) -> tuple[Any, ...] | None:
        queue, message = self._where.get(message_id, (None, None))
        if queue is None or message not in queue._messages:
            self._where.pop(message_id, None)
            return None
        return (*_identity(queue), message)

    def _load_message(self, kept: tuple[Any, ...], message_id: str) -> None:
        *identity, message = kept
        queue = _queue(*identity)
        if queue is not None:
            queue._messages.append(message)
            self._where[message_id] = (queue, message)
            if not message.visible:
                queue._pending_messages.add(message)

    def delete_message(self, queue: Any, message: Any) -> None:
        """The message is not kept any more, but its receipt handles are: it may be deleted again."""
        self.touch_message(message)
        if is_recording():
            self._handles.append((time.time(), message.all_receipt_handles, *_identity(queue)), message.id)

    def _load_handles(self, kept: tuple[Any, ...], message_id: str) -> None:
        deleted_at, handles, *identity = kept
        queue = _queue(*identity)
        if queue is not None and deleted_at + _HANDLES_KEPT_SECONDS > time.time():
            queue.deleted_messages.update(handles)
        else:
            self._handles.changed(message_id)

    def _find_dead_letter_queues(self) -> None:
        from moto.sqs.models import sqs_backends

        for _account, _region, backend in sqs_backends.iter_backends():
            by_arn = {queue.queue_arn: queue for queue in backend.queues.values()}
            for queue in backend.queues.values():
                policy = getattr(queue, "redrive_policy", None) or {}
                queue.dead_letter_queue = by_arn.get(policy.get("deadLetterTargetArn"))


def _watch_queues(cloud: Cloud, queues: _Queues) -> None:
    def get_queue(backend: Any, queue_name: str) -> Any:
        queues.touch(backend.account_id, backend.region_name, queue_name)
        return find(backend, queue_name)

    def create_queue(backend: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
        queues.touch(backend.account_id, backend.region_name, name)
        return create(backend, name, *arguments, **keywords)

    def purge_queue(backend: Any, queue_name: str) -> None:
        queues.touch_all(backend.get_queue(queue_name))
        purge(backend, queue_name)

    def delete_queue(backend: Any, queue_name: str) -> None:
        queues.touch_all(backend.get_queue(queue_name))
        delete(backend, queue_name)

    find = cloud.patches.replace(f"{_MODELS}:SQSBackend.get_queue", get_queue, _WHY)
    create = cloud.patches.replace(f"{_MODELS}:SQSBackend.create_queue", create_queue, _WHY)
    purge = cloud.patches.replace(f"{_MODELS}:SQSBackend.purge_queue", purge_queue, _WHY)
    delete = cloud.patches.replace(f"{_MODELS}:SQSBackend.delete_queue", delete_queue, _WHY)


def _watch_messages(cloud: Cloud, queues: _Queues) -> None:
    def add_message(queue: Any, message: Any) -> Any:
        queues.touch_message(message, queue)
        return add(queue, message)

    def delete_message(queue: Any, receipt_handle: str) -> None:
        for message in queue._messages:
            if message.had_receipt_handle(receipt_handle):
                queues.delete_message(queue, message)
        delete(queue, receipt_handle)

    def mark_received(message: Any, *arguments: Any, **keywords: Any) -> None:
        queues.touch_message(message)
        receive(message, *arguments, **keywords)

    def change_visibility(message: Any, *arguments: Any, **keywords: Any) -> None:
        queues.touch_message(message)
        change(message, *arguments, **keywords)

    add = cloud.patches.replace(f"{_MODELS}:Queue.add_message", add_message, _WHY)
    delete = cloud.patches.replace(f"{_MODELS}:Queue.delete_message", delete_message, _WHY)
    receive = cloud.patches.replace(f"{_MODELS}:Message.mark_received", mark_received, _WHY)
    change = cloud.patches.replace(f"{_MODELS}:Message.change_visibility", change_visibility, _WHY)


def _no_row(*_key: str | int) -> None:
    """Handles are only appended, or removed when they are old."""


def _queue(account: str, region: str, name: str, created: float) -> Any:
    queue = backend_of("sqs", account, region).queues.get(name)
    return queue if queue is not None and queue.created_timestamp == created else None


def _identity(queue: Any) -> tuple[str, str, str, float]:
    return queue.account_id, queue.region, queue.name, queue.created_timestamp
