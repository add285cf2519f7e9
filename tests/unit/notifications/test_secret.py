"""What a parameter has to hold, and what of it is told when it does not."""

import json
from typing import Any

import pytest

from trimtab.errors import SettingsError
from trimtab.notifications.secret import read_secret
from trimtab.spec.receivers import Receiver

WEBHOOK = Receiver(name="ops", kind="webhook", parameter="/trimtab/dev/ops")
SLACK = Receiver(name="team", kind="slack", parameter="/trimtab/dev/team")
KEY = "k" * 32
URL = "https://receiver.test:8443/a?b=c"


def test_a_webhook_has_an_address_and_keys_and_slack_an_address_alone() -> None:
    found = read_secret(WEBHOOK, json.dumps({"url": URL, "keys": [KEY]}))
    assert (found.url, found.keys, found.ca) == (URL, (KEY,), "")
    assert read_secret(SLACK, json.dumps({"url": URL})).keys == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("hidden-text", 'JSON with "url"'),
        ("[1]", 'JSON with "url"'),
        ({"url": 3}, 'JSON with "url"'),
        ({"url": "http://hidden.test/", "keys": [KEY]}, "https://"),
        ({"url": "https://hidden:word@hidden.test/", "keys": [KEY]}, "no user"),
        ({"url": "https://hidden.test/ x", "keys": [KEY]}, "no spaces"),
        ({"url": "https://hidden.test/\r\nX: y", "keys": [KEY]}, "no spaces"),
        ({"url": "https://hidden.test:99999/", "keys": [KEY]}, "https://"),
        ({"url": "https:///hidden", "keys": [KEY]}, "a host"),
        ({"url": "https://hidden.test/"}, '"keys"'),
        ({"url": "https://hidden.test/", "keys": ["hidden"]}, "32 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_what_is_there(given: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read_secret(WEBHOOK, given if isinstance(given, str) else json.dumps(given))
    assert "hidden" not in str(refused.value)
    assert "/trimtab/dev/ops" in str(refused.value)


def test_a_secret_does_not_show_itself() -> None:
    shown = repr(read_secret(WEBHOOK, json.dumps({"url": URL, "keys": [KEY]})))
    assert "receiver.test" not in shown
    assert KEY not in shown
