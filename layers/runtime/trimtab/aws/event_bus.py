"""EventBridge behind the EventBus port."""

import json
from collections.abc import Mapping
from typing import Any

from trimtab.contracts import EVENT_SOURCE
from trimtab.errors import TransientError


class DefaultEventBus:
    """Puts Trimtab's own events on the account's default bus."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        entry = {"Source": EVENT_SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail)}
        answer = self._events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise TransientError(f"EventBridge did not take {detail_type}: {failed.get('ErrorMessage')}")
