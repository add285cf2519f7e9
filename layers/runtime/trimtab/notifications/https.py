"""HTTPS to an address that a person has configured, and to nothing that it may be turned into."""

import http.client
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from trimtab.notifications.delivery import Reply
from trimtab.notifications.secret import Secret

SECONDS: Final = 10.0
"""For each of connecting, sending and waiting for the status."""
_PORT: Final = 443
_PUBLIC: Final = IPv6Network("2000::/3")
"""All that is given out of IPv6 for use in public."""
_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")
_OF_THE_MACHINE: Final = IPv6Network("fd00:ec2::/32")
"""AWS's own services beside an instance: metadata (fd00:ec2::254), names, time."""


@dataclass(frozen=True)
class Https:
    """Posts. The connection goes to an address that was looked at, so a name cannot point elsewhere in between."""

    private_network: bool = False

    def __call__(self, secret: Secret, body: bytes, headers: dict[str, str]) -> Reply:
        """The status; redirects are answers like any other, and the body is not read."""
        parts = urlsplit(secret.url)
        host, target = str(parts.hostname), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection = _Connection(host, parts.port or _PORT, _context(secret.ca), self.private_network)
            try:
                connection.request("POST", target, body, headers)
                answer = connection.getresponse()
                return Reply(answer.status, _seconds(answer.getheader("Retry-After")))
            finally:
                connection.close()
        except _AddressRefused as error:
            return Reply(0, error=str(error), is_refused=True)
        except (OSError, http.client.HTTPException) as error:
            return Reply(0, error=f"cannot be reached ({type(error).__name__})")


class _AddressRefused(Exception):
    """Raised for a name that leads into a network where it may not."""


class _Connection(http.client.HTTPSConnection):
    """Connects to one of the addresses that the host's name has, all of which are allowed."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, private_network: bool) -> None:
        super().__init__(host, port, timeout=SECONDS, context=context)
        self._trusted, self._private_network = context, private_network

    def connect(self) -> None:
        """Raises OSError, _AddressRefused."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not all(is_allowed(address, self._private_network) for address in addresses):
            raise _AddressRefused("lies in a network that is not allowed (private_network)")
        plain = self._dialled(addresses)
        plain.settimeout(SECONDS)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)

    def _dialled(self, addresses: Sequence[str]) -> socket.socket:
        """Connected to the first that answers; all of them share the time. Raises the OSError of the last."""
        share_s = SECONDS / len(addresses)
        *others, last = addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, self.port), timeout=share_s)
        return socket.create_connection((last, self.port), timeout=share_s)


def is_allowed(address: str, private_network: bool) -> bool:
    """Public addresses are; private and loopback ones where the receiver says so; no other is."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    if found.is_multicast or found.is_link_local or found.is_unspecified:
        return False
    if isinstance(found, IPv6Address) and not _leads_where_it_says(found):
        return False
    return found.is_global or (private_network and found.is_private)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address also where it is written as one of IPv6."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return inner or address


def _leads_where_it_says(address: IPv6Address) -> bool:
    """Whether it is in use as such: neither a way to an IPv4 address that it holds, nor to a service of the machine."""
    if address.sixtofour is not None or address.teredo is not None or address in _OF_THE_MACHINE:
        return False
    return address.is_loopback or address in _PUBLIC or address in _UNIQUE_LOCAL


def _context(ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _seconds(retry_after: str | None) -> float | None:
    """Only a number of seconds is read; a date is as good as nothing."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
