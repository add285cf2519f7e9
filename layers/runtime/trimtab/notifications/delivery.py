"""A message on its way to one receiver: written, signed, sent, and sent again where that may help."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from trimtab.errors import NotDelivered
from trimtab.notifications.formats import Envelope, as_json, as_slack
from trimtab.notifications.notification import Notification
from trimtab.notifications.secret import Secret
from trimtab.notifications.signing import ID, signed_headers
from trimtab.spec.receivers import Receiver

PAUSES_S: Final = (1.0, 4.0)
"""Between the attempts of one call; Lambda calls again after one minute and after two more."""
LONGEST_PAUSE_S: Final = 10.0
"""What a receiver may ask for (Retry-After); who asks for more is asked again by Lambda."""
_AGAIN: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Reply:
    """What a receiver answered; nothing of its body is kept."""

    status: int
    """0 without an answer."""
    retry_after_s: float | None = None
    error: str = ""
    """Why there is none, in words."""
    is_refused: bool = False
    """Whether nobody was asked, as the address is not allowed."""

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same message may be taken a little later."""
        if self.is_refused:
            return False
        return self.status == 0 or self.status in _AGAIN or self.status >= 500


class Post(Protocol):
    """Sends one body to an address by HTTPS, whose certificate it verifies, and follows no redirect."""

    def __call__(self, secret: Secret, body: bytes, headers: dict[str, str]) -> Reply: ...


@dataclass(frozen=True)
class Delivery:
    """To one receiver."""

    receiver: Receiver
    secret: Secret
    post: Post
    now: Callable[[], float]
    """Unix time, in seconds."""
    pause: Callable[[float], None]

    def deliver(self, told: Notification, envelope: Envelope) -> int:
        """How many attempts it took. Raises NotDelivered, which names neither address nor key."""
        write = as_slack if self.receiver.kind == "slack" else as_json
        body = json.dumps(write(told, envelope), ensure_ascii=False).encode()
        reply = Reply(0)
        for attempt, pause_s in enumerate((*PAUSES_S, 0.0), start=1):
            reply = self.post(self.secret, body, self._headers(envelope.id, body))
            if reply.is_taken:
                return attempt
            if not reply.may_pass or not pause_s:
                break
            self.pause(min(max(pause_s, reply.retry_after_s or 0.0), LONGEST_PAUSE_S))
        said = f"answers {reply.status}" if reply.status else reply.error
        raise NotDelivered(
            f"receiver '{self.receiver.name}' {said}; look at it and at the parameter {self.receiver.parameter}"
        )

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        signed = signed_headers(self.secret.keys, message_id, body, int(self.now())) if self.secret.keys else {}
        return {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Trimtab", ID: message_id} | signed
