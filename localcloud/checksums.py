"""The checksums of S3's uploads. CRC32C and CRC64NVME are not in the standard library: they are computed by table."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from functools import cache

_CRC32C = 0x82F63B78  # Castagnoli's polynomial, bits reversed
_CRC64NVME = 0x9A6C9329AC4BC9B5  # the NVMe specification's, bits reversed


def checksum(algorithm: str, body: bytes) -> str:
    """The checksum of the body as S3 writes it: base64 of the big-endian bytes. Raises KeyError for an unknown name."""
    return base64.b64encode(_ALGORITHMS[algorithm](body)).decode()


def is_known(algorithm: str) -> bool:
    """Whether S3 has such an algorithm."""
    return algorithm in _ALGORITHMS


@cache
def _table(polynomial: int) -> list[int]:
    """For every two bytes what they make of a register that was empty before."""
    table = []
    for value in range(1 << 16):
        for _bit in range(16):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def _crc(polynomial: int, size: int, body: bytes) -> bytes:
    """Two bytes a step: about 20 MB/s."""
    table, ones = _table(polynomial), (1 << 8 * size) - 1
    register, even = ones, len(body) & ~1
    for first, second in zip(body[0:even:2], body[1:even:2], strict=True):
        register = table[(register ^ first ^ second << 8) & 0xFFFF] ^ register >> 16
    for byte in body[even:]:
        register ^= byte
        for _bit in range(8):
            register = (register >> 1) ^ (polynomial if register & 1 else 0)
    return (register ^ ones).to_bytes(size, "big")


_ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "CRC32C": lambda body: _crc(_CRC32C, 4, body),
    "CRC64NVME": lambda body: _crc(_CRC64NVME, 8, body),
    "SHA1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "SHA256": lambda body: hashlib.sha256(body).digest(),
}
