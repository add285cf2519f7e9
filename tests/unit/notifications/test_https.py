"""Where a message may go, over real TLS."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.notifications.tls import Receiver, certified, receiver
from trimtab.notifications.https import SECONDS, Https, is_allowed
from trimtab.notifications.secret import Secret


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as made:
        yield made


@dataclass
class Names:
    """In place of the resolver: every name has these addresses. Counts who is asked for."""

    addresses: list[str]
    asked: list[object] = field(default_factory=list)

    def __call__(self, host: object, port: int, *_arguments: object, **_named: object) -> list[object]:
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


@dataclass
class NobodyAnswers:
    """In place of dialling: keeps where to, and how long it would have waited."""

    dialled: list[tuple[str, int, float | None]] = field(default_factory=list)

    def __call__(self, address: tuple[str, int], timeout: float | None = None, *_arguments: object) -> socket.socket:
        self.dialled.append((*address, timeout))
        raise ConnectionRefusedError


def dialled(monkeypatch: pytest.MonkeyPatch, names: Names) -> NobodyAnswers:
    """Where connections go from now on, none of which is made."""
    nobody = NobodyAnswers()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setattr(socket, "create_connection", nobody)
    return nobody


def test_a_name_is_asked_for_once_and_the_address_that_was_looked_at_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names(["93.184.215.14"])
    nobody = dialled(monkeypatch, names)
    Https()(Secret("https://hook.test/x"), b"hello", {})
    assert names.asked == ["hook.test"]
    assert nobody.dialled == [("93.184.215.14", 443, SECONDS)]


@pytest.mark.parametrize("addresses", [["93.184.215.14", "10.1.2.3"], ["10.1.2.3", "93.184.215.14"]])
def test_a_name_with_a_private_address_beside_a_public_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    nobody = dialled(monkeypatch, Names(addresses))
    reply = Https()(Secret("https://hook.test/x"), b"hello", {})
    assert (reply.is_refused, nobody.dialled) == (True, [])


def test_every_address_is_tried_and_together_they_take_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = dialled(monkeypatch, Names(["93.184.215.14", "93.184.215.15"]))
    reply = Https()(Secret("https://hook.test/x"), b"hello", {})
    assert nobody.dialled == [("93.184.215.14", 443, SECONDS / 2), ("93.184.215.15", 443, SECONDS / 2)]
    assert (reply.status, reply.error) == (0, "cannot be reached (ConnectionRefusedError)")


def test_a_body_arrives_at_the_next_address_where_the_first_does_not_answer(
    listening: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial, tried = socket.create_connection, []

    def first_is_down(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(address[0])
        if address[0] == "127.0.0.2":
            raise TimeoutError
        monkeypatch.undo()
        return dial(address, timeout)

    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.2", "127.0.0.1"]))
    monkeypatch.setattr(socket, "create_connection", first_is_down)
    reply = Https(private_network=True)(Secret(listening.url, ca=listening.ca), b"hello", {})
    assert (reply.status, tried) == (200, ["127.0.0.2", "127.0.0.1"])
    assert [body for _headers, body in listening.got] == [b"hello"]


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
    assert (reply.status, reply.error) == (0, "cannot be reached (SSLCertVerificationError)")
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
        ("64:ff9b::a9fe:a9fe", False, False),
        ("64:ff9b:1::a9fe:a9fe", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("2001:0:a9fe:a9fe::1", False, False),
        ("::7f00:1", False, False),
        ("::169.254.169.254", False, False),
        ("fec0::1", False, False),
        ("fd00:ec2::254", False, False),
    ],
)
def test_addresses_are_public_or_private_as_the_receiver_says_and_never_link_local(
    address: str, anywhere: bool, privately: bool
) -> None:
    assert (is_allowed(address, False), is_allowed(address, True)) == (anywhere, privately)
