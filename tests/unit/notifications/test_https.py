"""Where a message may go, over real TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.notifications.tls import Receiver, certified, receiver
from trimtab.notifications.https import Https, is_allowed
from trimtab.notifications.secret import Secret


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as made:
        yield made


def test_a_body_arrives_at_a_receiver_whose_authority_is_trusted(listening: Receiver) -> None:
    reply = Https(private_network=True)(Secret(listening.url, ca=listening.ca), b"hello", {"Trimtab-Id": "1"})
    assert reply.status == 200
    ((headers, body),) = listening.got
    assert (headers["Trimtab-Id"], body) == ("1", b"hello")


def test_a_receiver_of_another_authority_is_told_nothing(listening: Receiver, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for ca in ("", certified(other)[0].read_text()):
        reply = Https(private_network=True)(Secret(listening.url, ca=ca), b"hello", {})
        assert (reply.status, reply.error) == (0, "cannot be reached (SSLCertVerificationError)")
    assert listening.got == []


def test_a_certificate_for_another_name_is_not_enough(listening: Receiver) -> None:
    url = listening.url.replace("127.0.0.1", "localhost")
    reply = Https(private_network=True)(Secret(url, ca=listening.ca), b"hello", {})
    assert reply.status == 0
    assert listening.got == []


def test_the_own_network_is_not_reached_unless_the_receiver_says_so(listening: Receiver) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        url = listening.url.replace("127.0.0.1", host)
        reply = Https()(Secret(url, ca=listening.ca), b"hello", {})
        assert (reply.status, reply.is_refused) == (0, True)
    assert listening.got == []


def test_a_redirect_is_an_answer_and_is_not_followed(listening: Receiver) -> None:
    listening.answers = [(307, {"Location": listening.url})]
    reply = Https(private_network=True)(Secret(listening.url, ca=listening.ca), b"hello", {})
    assert (reply.status, reply.is_taken, len(listening.got)) == (307, False, 1)


def test_a_receiver_may_say_when_to_come_again(listening: Receiver) -> None:
    listening.answers = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT"})]
    secret = Secret(listening.url, ca=listening.ca)
    assert [Https(private_network=True)(secret, b"", {}).retry_after_s for _ in range(2)] == [7.0, None]


@pytest.mark.parametrize(
    ("address", "anywhere", "privately"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f::1", True, True),
        ("10.1.2.3", False, True),
        ("192.168.1.1", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.1.2.3", False, True),
        ("169.254.169.254", False, False),
        ("169.254.170.2", False, False),
        ("fe80::1%eth0", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("100.64.0.1", False, False),
    ],
)
def test_addresses_are_public_or_private_as_the_receiver_says_and_never_link_local(
    address: str, anywhere: bool, privately: bool
) -> None:
    assert (is_allowed(address, False), is_allowed(address, True)) == (anywhere, privately)
