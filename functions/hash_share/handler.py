"""Hashes one share of a large drop before it is claimed; called by the children of the intake machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.identify import Identification


class HashShareEvent(Event):
    """The number of a share that claim_drop has written down."""

    share: int


@entrypoint(HashShareEvent)
def handler(event: HashShareEvent, runtime: Runtime) -> dict[str, Any]:
    """The digests of the share are stored."""
    lists, folder = runtime.artifact("drops"), runtime.temporary("hashing", event.execution)
    identification = Identification(runtime.spec.data, runtime.objects, lists, folder)
    return {"outcome": "Hashed", "bytes": identification.hash(event.share)}
