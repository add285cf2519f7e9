"""What an entry of the ledger was decided on: it is not written once that is no longer all there is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Precondition:
    """Nobody else has written an entry of these kinds since the ledger was read."""

    after: int
    """Sequence number of the newest entry that was read; 0 of an empty ledger."""
    kinds: tuple[str, ...]
    """Beginnings of the kinds that would have changed the decision."""
    own: str = ""
    """Entries whose subject begins so are the writer's own; empty when it wrote none."""
