"""A webhook's receiver can tell who has sent a body, that it is whole, and that it is new."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

TIMESTAMP, SIGNATURE, ID = "Trimtab-Timestamp", "Trimtab-Signature", "Trimtab-Id"
REPLAY_SECONDS: Final = 300
"""Receivers refuse what was signed longer ago; each attempt is signed anew."""


def signed_headers(keys: Sequence[str], message_id: str, body: bytes, seconds: int) -> dict[str, str]:
    """``v1=<hex>`` of HMAC-SHA256 over ``<seconds>.<body>`` by each key, so that a key can be changed without a gap.

    ``seconds`` is the Unix time of sending.
    """
    signatures = ",".join(f"v1={_signature(key, body, seconds)}" for key in keys)
    return {ID: message_id, TIMESTAMP: str(seconds), SIGNATURE: signatures}


def _signature(key: str, body: bytes, seconds: int) -> str:
    return hmac.new(key.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
