"""How often a message is sent, and when no more."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from trimtab.errors import NotDelivered
from trimtab.notifications.delivery import LONGEST_PAUSE_S, Delivery, Reply
from trimtab.notifications.formats import Envelope
from trimtab.notifications.notification import Notification
from trimtab.notifications.secret import Secret
from trimtab.notifications.signing import ID, SIGNATURE, TIMESTAMP
from trimtab.spec.receivers import Receiver

TOLD = Notification("[tiny] subject", "What.", "Nothing.")
ENVELOPE = Envelope("m-1", datetime(2026, 1, 1, tzinfo=UTC), "dev")
SECRET = Secret("https://hidden.test/path", ("hidden-key" * 4,))


@dataclass
class Line:
    """A receiver that answers so, one reply after the other, and a clock that pauses move."""

    replies: list[Reply]
    kind: str = "webhook"
    time: float = 1000.0
    sent: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def post(self, secret: Secret, body: bytes, headers: dict[str, str]) -> Reply:
        assert secret is SECRET
        self.sent.append((body, headers))
        return self.replies[len(self.sent) - 1]

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def deliver(self) -> int:
        receiver = Receiver.model_validate({"name": "ops", "kind": self.kind, "parameter": "/p/ops"})
        return Delivery(receiver, SECRET, self.post, lambda: self.time, self.pause).deliver(TOLD, ENVELOPE)


def test_what_is_taken_is_sent_once() -> None:
    line = Line([Reply(204)])
    assert line.deliver() == 1
    ((body, headers),) = line.sent
    assert json.loads(body)["id"] == headers[ID] == "m-1"
    assert headers[TIMESTAMP] == "1000"


@pytest.mark.parametrize("reply", [Reply(0, error="cannot be reached"), Reply(500), Reply(503), Reply(408)])
def test_what_may_pass_is_sent_again_signed_anew_under_the_same_id(reply: Reply) -> None:
    line = Line([reply, Reply(200)])
    assert line.deliver() == 2
    assert line.pauses == [1.0]
    (_, first), (_, second) = line.sent
    assert (first[ID], first[TIMESTAMP], second[TIMESTAMP]) == (second[ID], "1000", "1001")
    assert first[SIGNATURE] != second[SIGNATURE]


def test_after_three_attempts_lambda_tries_again_later() -> None:
    line = Line([Reply(503)] * 9)
    with pytest.raises(NotDelivered, match="receiver 'ops' answers 503; look at it and at the parameter /p/ops"):
        line.deliver()
    assert (len(line.sent), line.pauses) == (3, [1.0, 4.0])


def test_a_receiver_may_ask_for_a_longer_pause_but_not_for_any() -> None:
    line = Line([Reply(429, 3.0), Reply(429, 3600.0), Reply(200)])
    assert line.deliver() == 3
    assert line.pauses == [3.0, LONGEST_PAUSE_S]


@pytest.mark.parametrize("reply", [Reply(301), Reply(400), Reply(401), Reply(404), Reply(410)])
def test_a_redirect_and_a_refusal_are_not_tried_again(reply: Reply) -> None:
    line = Line([reply] * 9)
    with pytest.raises(NotDelivered, match=f"answers {reply.status}"):
        line.deliver()
    assert len(line.sent) == 1


def test_an_address_that_is_not_allowed_is_not_tried_again() -> None:
    line = Line([Reply(0, error="lies in a network that is not allowed", is_refused=True)] * 9)
    with pytest.raises(NotDelivered, match="not allowed") as refused:
        line.deliver()
    assert len(line.sent) == 1
    assert "hidden" not in str(refused.value)


def test_slack_is_sent_blocks() -> None:
    line = Line([Reply(200)], kind="slack")
    line.deliver()
    assert json.loads(line.sent[0][0])["blocks"][0]["type"] == "header"
