"""Who a dropped object is: its kind by its folder, its identity by its content.

The content of a small drop is read at once. That of a large one is hashed in shares, side by side: `begin` writes down
what there is to hash, functions of their own hash it, and `finish` reads what they found. Both ways the identity is
the same (`trimtab.data.digests`). Nothing of a table in a lake is read: see `trimtab.intake.table`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from trimtab.contracts import Drop, DropKind
from trimtab.data.digests import GIGABYTE, WHOLE_BYTES, Block, blocks_of, joined, sha256_of, shares_of
from trimtab.data.limits import MEGABYTE
from trimtab.datasets.parts import Part, Parts
from trimtab.errors import DataError
from trimtab.intake.parts import OBJECT, Gathered, gather_parts
from trimtab.intake.side_by_side import side_by_side
from trimtab.intake.table import find_table, is_pointer
from trimtab.ports import ObjectStore
from trimtab.spec import DataSpec

MOST_AT_ONCE: Final = 4 * GIGABYTE
"""Of a drop that is hashed by the function that claims it: a minute or two."""


def kind_of(model: str, key: str) -> DropKind:
    """The kind that the folder of ``key`` says. Raises DataError for a key outside the model's folders."""
    for kind in DropKind:
        if key.startswith(f"{model}/{kind.value}/"):
            return kind
    raise DataError(f"{key} lies outside {model}/data/ and {model}/truth/: drop files there")


@dataclass(frozen=True)
class Hashing:
    """What there is to hash of a large drop, and what is known of it already."""

    gathered: Gathered
    known: Mapping[int, str]
    """Digests by the object's place."""
    shares: tuple[tuple[Block, ...], ...]

    def dumps(self) -> bytes:
        """All of it as the bytes of a JSON file."""
        shares = [[[block.part, block.start, block.end] for block in share] for share in self.shares]
        known = [[place, digest] for place, digest in self.known.items()]
        return json.dumps({"gathered": self.gathered.to_json(), "known": known, "shares": shares}).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """What ``dumps`` wrote."""
        document: dict[str, Any] = json.loads(body)
        shares = tuple(tuple(Block(*block) for block in share) for share in document["shares"])
        return cls(Gathered.from_json(document["gathered"]), {place: said for place, said in document["known"]}, shares)


@dataclass(frozen=True)
class Identification:
    """How the drops of one model are identified."""

    data: DataSpec
    objects: ObjectStore
    lists: str
    """URI below which the objects of drops of many are listed."""
    folder: str
    """URI below which the hashing of one drop is written down."""

    def begin(self, drop: Drop) -> Drop | int:
        """The drop, identified; or the number of shares in which it is to be hashed first.

        Raises FileNotFoundError when one of its objects is gone.
        """
        if self.data.lake is not None and is_pointer(drop, self.data):
            table = find_table(self.objects, drop, self.data.lake.location, self.data.format)
            return self._of_parts(drop.model_copy(update={"parts": "", "lake": table.location}), table.parts)
        if drop.parts:
            return self._of_parts(drop, Parts.loads(self.objects.read(drop.parts)))
        gathered = self._gathered(drop)
        sizes = {place: gathered.parts[place].size for place in gathered.read}
        if sum(sizes.values()) <= min(MOST_AT_ONCE, self.data.fan_out.above_megabytes * MEGABYTE):
            blocks = [block for place, size in sizes.items() for block in blocks_of(place, size)]
            return self._concluded(drop, gathered, joined(self._hashed(gathered, blocks)))
        known = self._stored_digests(gathered)
        blocks = [block for place, size in sizes.items() if place not in known for block in blocks_of(place, size)]
        if not blocks:
            return self._concluded(drop, gathered, known)
        shares = shares_of(blocks, self.data.fan_out.share_megabytes * MEGABYTE)
        self.objects.write(self._plan_uri, Hashing(gathered, known, shares).dumps(), "application/json")
        return len(shares)

    def hash(self, share: int) -> int:
        """Bytes of the share, whose digests are stored. An object that is gone is left out: no drop makes this fail."""
        hashing = Hashing.loads(self.objects.read(self._plan_uri))
        try:
            found = self._hashed(hashing.gathered, hashing.shares[share])
        except FileNotFoundError:
            found = {}
        said = [[block.part, block.start, block.end, digest] for block, digest in found.items()]
        self.objects.write(self._digests_uri(share), json.dumps(said).encode(), "application/json")
        return sum(block.size for block in hashing.shares[share])

    def finish(self, drop: Drop) -> Drop:
        """The drop, identified by what its shares gave. Raises FileNotFoundError when one of its objects was gone."""
        hashing = Hashing.loads(self.objects.read(self._plan_uri))
        uris = [self._digests_uri(share) for share in range(len(hashing.shares))]
        said = [entry for body in side_by_side(self.objects.read, uris) for entry in json.loads(body)]
        digests = {Block(part, start, end): digest for part, start, end, digest in said}
        if len(digests) < sum(map(len, hashing.shares)):
            raise FileNotFoundError(f"an object of {drop.uri} was removed before it was read")
        return self._concluded(drop, hashing.gathered, {**hashing.known, **joined(digests)})

    @property
    def _plan_uri(self) -> str:
        return f"{self.folder}/hashing.json"

    def _digests_uri(self, share: int) -> str:
        return f"{self.folder}/{share:05d}.digests.json"

    def _gathered(self, drop: Drop) -> Gathered:
        if self.data.drop == OBJECT or drop.kind is not DropKind.DATA or drop.replays:
            return Gathered((Part("", drop.uri, drop.version, drop.size, ""),))
        home = "/".join(drop.uri.split("/")[:5])  # s3://bucket/model/data
        return gather_parts(self.objects, drop.uri, drop.version, self.data.drop, f"{home}/")

    def _hashed(self, gathered: Gathered, blocks: Sequence[Block]) -> dict[Block, str]:
        def hashed(block: Block) -> str:
            part = gathered.parts[block.part]
            with self.objects.open(part.uri, part.version or None) as stream:
                return sha256_of(stream, block)

        return dict(zip(blocks, side_by_side(hashed, blocks), strict=True))

    def _stored_digests(self, gathered: Gathered) -> dict[int, str]:
        """What S3 itself has computed, which is had without reading anything."""

        def stored(place: int) -> str:
            part = gathered.parts[place]
            known = self.objects.sha256(part.uri, part.version or None) if part.size <= WHOLE_BYTES else None
            return known or ""

        found = side_by_side(stored, gathered.read)
        return {place: digest for place, digest in zip(gathered.read, found, strict=True) if digest}

    def _concluded(self, drop: Drop, gathered: Gathered, digests: Mapping[int, str]) -> Drop:
        if len(gathered.parts) == 1 and not gathered.parts[0].name:
            return drop.model_copy(update={"id": digests[0][:16], "sha256": digests[0]})
        return self._of_parts(drop, gathered.known(digests))

    def _of_parts(self, drop: Drop, found: Parts) -> Drop:
        """The drop of many objects; the list of them, by version, is stored for every later step."""
        uri = drop.parts or f"{self.lists}/{found.sha256[:16]}/parts.json"
        if not drop.parts:
            self.objects.write(uri, found.dumps(), "application/json")
        return drop.model_copy(
            update={"id": found.sha256[:16], "sha256": found.sha256, "size": found.size, "parts": uri}
        )
