"""What holds an entry of the ledger back that was decided on what no longer is all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fence:
    """What must not have been written since the ledger was read, for an entry that was decided on what it said."""

    after: int
    """Sequence number of the newest entry that was read; 0 of an empty ledger."""
    kinds: tuple[str, ...]
    """Beginnings of the kinds that would have changed the decision."""
    own: str = ""
    """Entries whose subject begins so are the writer's own; empty when it wrote none."""
