"""What is signed can be verified by the receiver of the page for users, and nothing else can."""

import time

import pytest

from tests.unit.notifications.example import is_genuine
from trimtab.notifications.signing import ID, REPLAY_SECONDS, SIGNATURE, TIMESTAMP, signed_headers

KEY, OTHER, BODY = "k" * 32, "o" * 32, b'{"what": "\xc3\xa4"}'


def test_the_signature_is_hmac_sha256_over_time_and_body() -> None:
    headers = signed_headers(["key"], "m-1", b"body", 1700000000)
    assert headers == {
        ID: "m-1",
        TIMESTAMP: "1700000000",
        SIGNATURE: "v1=47b6ce0fca59474308e2921c247cb2493dce6b8101d90ac05bd0c6a37d0e046e",
    }


@pytest.mark.parametrize("keys", [[KEY], [OTHER, KEY]])
def test_the_pages_receiver_takes_what_is_signed_by_its_key(keys: list[str]) -> None:
    assert is_genuine()(signed_headers(keys, "m", BODY, int(time.time())), BODY, KEY)


def test_the_pages_receiver_refuses_another_body_another_key_and_what_is_old() -> None:
    now = int(time.time())
    fresh = signed_headers([KEY], "m", BODY, now)
    verify = is_genuine()
    assert not verify(fresh, BODY + b" ", KEY)
    assert not verify(fresh, BODY, OTHER)
    assert not verify(fresh | {TIMESTAMP: str(now + 1)}, BODY, KEY)
    assert not verify(signed_headers([KEY], "m", BODY, now - REPLAY_SECONDS - 60), BODY, KEY)
