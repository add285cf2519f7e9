"""How a large drop is cut: into shares of about equal size, each of some files or of some row groups of one."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from trimtab.data.row_groups import Span
from trimtab.datasets.parts import Part

MOST_SHARES: Final = 1_000
"""Their numbers travel through the state machine."""
MOST_PIECES: Final = 20
"""Of one share, so that each has time enough."""


@dataclass(frozen=True)
class Piece:
    """Row groups of one Parquet object that follow each other, or one object as a whole."""

    part: int
    """Place of the object among the drop's."""
    size: int
    """Bytes that are fetched."""
    groups: tuple[int, int] | None = None
    """First row group, and the first after; None for the whole object."""
    spans: tuple[Span, ...] = ()
    """Where the row groups and the footer lie; empty for the whole object."""


@dataclass(frozen=True)
class Plan:
    """The shares of a drop, which hold all its pieces in the order of its rows."""

    contract: str
    """What the drop is held against, as a digest: all its shares must be held against the same."""
    shares: tuple[tuple[Piece, ...], ...]

    def dumps(self) -> bytes:
        """The plan as the bytes of a JSON file."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """The plan that ``dumps`` wrote."""
        document = json.loads(body)
        return cls(document["contract"], tuple(tuple(map(_piece, share)) for share in document["shares"]))


def _piece(document: dict[str, Any]) -> Piece:
    groups, spans = document["groups"], document["spans"]
    cut = (groups[0], groups[1]) if groups else None
    return Piece(document["part"], document["size"], cut, tuple((start, end) for start, end in spans))


@dataclass(frozen=True)
class Layout:
    """Where the row groups and the footer of a Parquet object lie."""

    groups: Sequence[Span]
    footer: Span


def cut(
    parts: Sequence[Part], layout_of: Callable[[Part], Layout | None], share_bytes: float
) -> tuple[tuple[Piece, ...], ...]:
    """The shares of a drop's objects, of about ``share_bytes`` each; ``layout_of`` is asked for larger objects only."""
    wanted = max(share_bytes, sum(part.size for part in parts) / MOST_SHARES)
    shares: list[list[Piece]] = []
    room = 0.0
    for piece in _pieces(parts, layout_of, wanted):
        if not shares or piece.size > room or len(shares[-1]) == MOST_PIECES:
            shares.append([])
            room = wanted
        shares[-1].append(piece)
        room -= piece.size
    return tuple(map(tuple, shares))


def _pieces(parts: Sequence[Part], layout_of: Callable[[Part], Layout | None], wanted: float) -> Iterator[Piece]:
    for place, part in enumerate(parts):
        layout = layout_of(part) if part.size > wanted else None
        if layout is None or sum(end - start for start, end in layout.groups) > part.size:
            yield Piece(place, part.size)  # row groups that claim more than there is are read in one pass
        else:
            yield from _cut_groups(place, layout, wanted)


def _cut_groups(place: int, layout: Layout, wanted: float) -> Iterator[Piece]:
    first, size = 0, 0
    for group, (start, end) in enumerate(layout.groups):
        if size and size + end - start > wanted:
            yield _groups(place, layout, first, group)
            first, size = group, 0
        size += end - start
    yield _groups(place, layout, first, len(layout.groups))


def _groups(place: int, layout: Layout, first: int, after: int) -> Piece:
    spans = (*layout.groups[first:after], layout.footer)
    return Piece(place, sum(end - start for start, end in spans), (first, after), spans)
