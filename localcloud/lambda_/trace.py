"""The X-Ray trace that an invocation belongs to."""

import secrets
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """A trace id, the segment that called (if any), the segment of the function, and whether it is recorded."""

    root: str
    parent: str | None
    segment: str
    sampled: bool

    @property
    def header(self) -> str:
        """What the function sees in _X_AMZN_TRACE_ID."""
        return f"Root={self.root};Parent={self.segment};Sampled={int(self.sampled)}"


def trace_of(header: str | None, active: bool) -> Trace:
    """The caller's trace, or a new one; a caller that does not say whether it is recorded leaves it to the function."""
    fields = dict(part.strip().partition("=")[::2] for part in (header or "").split(";"))
    root = fields.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    sampled = fields["Sampled"] == "1" if "Sampled" in fields else active
    return Trace(root, fields.get("Parent"), secrets.token_hex(8), sampled)
