"""What a check is, how an endpoint is asked, and how its answers are told apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.ports import Answer

THROTTLED = 429
NO_ANSWER = 504
"""Status of a request that nobody answered in time."""
PAUSES_S = (0.5, 1.0, 2.0)
"""Waits before a throttled request is sent again."""
JSON_LINES = "application/jsonlines"
Send = Callable[[bytes, str], Answer]
"""Sends a body of a content type."""


@dataclass(frozen=True)
class Check:
    """One thing that was tried, and what came of it."""

    name: str
    passed: bool
    message: str
    facts: dict[str, Any] = field(default_factory=dict)
    """What was measured: numbers with their unit in the name."""


@dataclass(frozen=True)
class Probe:
    """The endpoint under test, and the time in which it is tested."""

    send: Send
    clock: Callable[[], float]
    """Seconds from any beginning."""
    wait: Callable[[float], None]
    """Returns after so many seconds."""
    memory: Callable[[], Sequence[float]]
    """Per cent of memory in use, one reading a minute since the test began, the oldest first."""

    def ask(self, body: bytes, content_type: str = JSON_LINES) -> Answer:
        """The answer; a throttled request says nothing of the model, so it is sent again after a pause."""
        answer = self.send(body, content_type)
        for pause_s in PAUSES_S:
            if answer.status != THROTTLED:
                break
            self.wait(pause_s)
            answer = self.send(body, content_type)
        return answer


def shown(answer: Answer) -> str:
    """An answer in a few words; what is not the model's doing is called by its name."""
    said = answer.body[:160].decode(errors="replace")
    if answer.status == THROTTLED:
        return f"HTTP 429: the endpoint was at its limit, the model was not asked ({said})"
    if answer.status == NO_ANSWER:
        return f"no answer in time ({said})"
    return f"HTTP {answer.status}: {said}"
