"""Files that synth makes for assets: kept in ``.cache`` under the digest of their content."""

import hashlib
import os
import tempfile
from pathlib import Path

from stacks.packaging import CACHE

_GENERATED = CACHE / "generated"


def generated_file(name: str, body: bytes) -> Path:
    """A file called ``name`` that holds ``body``, alone in the folder of its digest."""
    target = _GENERATED / hashlib.sha256(body).hexdigest()[:32] / name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=_GENERATED)
    with os.fdopen(handle, "wb") as stream:
        stream.write(body)
    os.replace(scratch, target)
    return target
