"""The gate of a large drop in three steps that run apart: cut it into shares, look at each, judge what they show.

The verdict is that of one pass: shares keep partial results (see `trimtab.data.validate`), and what is wrong with a
file is one of them, never an error.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from trimtab.contracts import Drop, Validation
from trimtab.data.contract import Occasion
from trimtab.data.limits import MEGABYTE
from trimtab.data.profile import Profile
from trimtab.data.read import Format
from trimtab.data.reading import Reading
from trimtab.data.row_groups import Sparse, footer_span, group_spans
from trimtab.data.sandbox import run
from trimtab.data.state_file import read_state, write_state
from trimtab.data.together import told_apart
from trimtab.data.validate import Partial, conclude, examine
from trimtab.data.violation import Severity, Violation
from trimtab.datasets.parts import Part, Parts
from trimtab.errors import SpecError
from trimtab.intake.gate import REMOVED, DropGate, answer, gate_of
from trimtab.intake.record import about, recorded
from trimtab.intake.shares import Layout, Piece, Plan, cut
from trimtab.ledger.kinds import DROP_PLANNED
from trimtab.ports import Ledger
from trimtab.spec import Spec

ACTOR: Final = "plan_shares"
SECONDS: Final = 500
"""Wall time of parsing a share, or of merging all; the function's timeout must be longer."""
FOOTER_SECONDS: Final = 10


@dataclass(frozen=True)
class FanOut:
    """The gate of one drop in shares. ``folder`` is the URI under which plan and partial results go."""

    gate: DropGate
    drop: Drop
    folder: str
    seconds: float = SECONDS

    def plan(self) -> int:
        """How many shares there are; the plan is stored."""
        with tempfile.TemporaryDirectory(prefix="plan-") as scratch:
            layout_of = partial(self._layout, path=Path(scratch, "footer"))
            shares = cut(self._parts.parts, layout_of, self.gate.spec.data.fan_out.share_megabytes * MEGABYTE)
        plan = Plan(digest_of(self.gate.spec, self.gate.occasion(self.drop)), shares)
        self.gate.objects.write(f"{self.folder}/plan.json", plan.dumps(), "application/json")
        return len(shares)

    def examine(self, share: int) -> int:
        """Rows of the share; what each of its pieces has shown is stored. No file makes this fail."""
        occasion, plan = self._planned()
        pieces, rows = plan.shares[share], 0
        for number, piece in enumerate(pieces):
            with tempfile.TemporaryDirectory(prefix="share-") as scratch:
                path = Path(scratch, "state")
                rows += self._examined(piece, occasion, path, self.seconds / len(pieces))
                self.gate.objects.upload(self._state_uri(share, number), path)
        return rows

    def merge(self) -> Validation:
        """The gate's verdict on the whole drop, with report and profile, as `DropGate.validate` gives it."""
        occasion, plan = self._planned()
        names = [
            self._state_uri(share, piece) for share, pieces in enumerate(plan.shares) for piece in range(len(pieces))
        ]
        with tempfile.TemporaryDirectory(prefix="merge-") as scratch:
            return self.gate.stored(self._merged(names, occasion, Path(scratch)))

    @cached_property
    def _parts(self) -> Parts:
        return self.gate.parts(self.drop)

    def _planned(self) -> tuple[Occasion, Plan]:
        """Raises SpecError when the contract is not the plan's any more."""
        plan = Plan.loads(self.gate.objects.read(f"{self.folder}/plan.json"))
        occasion = self.gate.occasion(self.drop)
        if plan.contract != digest_of(self.gate.spec, occasion):
            raise SpecError("the contract was changed while the drop was validated: send the execution's input again")
        return occasion, plan

    def _state_uri(self, share: int, piece: int) -> str:
        return f"{self.folder}/{share:05d}-{piece:03d}.partial"

    def _layout(self, part: Part, path: Path) -> Layout | None:
        """Where a Parquet object's row groups lie; None for one that cannot be cut, gone ones included."""
        if self.gate.format(part) != "parquet":
            return None
        try:
            with self.gate.objects.open(part.uri, part.version or None) as source:
                footer = footer_span(source, part.size)
                if footer is None:
                    return None
                Sparse(path, part.size).fill(source, (footer,))
        except FileNotFoundError:
            return None
        outcome = run(group_spans, (path,), memory_mb=self.gate.memory_mb, seconds=FOOTER_SECONDS)
        groups = [(start, end) for start, end in outcome.value or ()]
        return Layout(groups, footer) if groups else None

    def _examined(self, piece: Piece, occasion: Occasion, path: Path, seconds: float) -> int:
        """Rows of the piece, whose partial result is at ``path`` then."""
        part = self._parts.parts[piece.part]
        format, file = self.gate.format(part), path.with_name("file")
        if piece.size > (free := shutil.disk_usage(path.parent).free):
            message = f"{part.name or self.drop.file_name}: {piece.size:,} bytes, and the gate has room for {free:,}"
            return _failed(path, part, format, message, "limits")
        try:
            self._fetch(piece, part, file)
        except FileNotFoundError as error:
            return _failed(path, part, format, f"{REMOVED}: {error}", "missing_part")
        look = partial(_look, spec=self.gate.spec, drop=self.drop, occasion=occasion, piece=piece, target=path)
        outcome = run(look, (file, format, part.name), memory_mb=self.gate.memory_mb, seconds=seconds)
        if outcome.failure is not None:
            return _failed(path, part, format, outcome.failure, "limits")
        return int(outcome.value)

    def _fetch(self, piece: Piece, part: Part, file: Path) -> None:
        if not piece.spans:
            self.gate.objects.download(part.uri, file, part.version or None)
            return
        with self.gate.objects.open(part.uri, part.version or None) as source:
            Sparse(file, part.size).fill(source, piece.spans)

    def _merged(self, uris: Sequence[str], occasion: Occasion, scratch: Path) -> dict[str, Any]:
        paths, room = [], shutil.disk_usage(scratch).free
        for number, uri in enumerate(uris):
            head = self.gate.objects.head(uri)
            room -= 2 * head.size if head else 0  # uniqueness may copy half of it
            if room < 0:
                return self.gate.refused(
                    self.drop, "the drop's partial results are more than the gate has room for", "limits"
                )
            paths.append(scratch / f"{number}.partial")
            self.gate.objects.download(uri, paths[-1])
        reference = self.gate.reference(self.drop)
        judge: Callable[..., Any] = partial(
            _judge, spec=self.gate.spec, drop=self.drop, reference=reference, occasion=occasion, parts=self._parts
        )
        outcome = run(judge, (paths,), memory_mb=self.gate.memory_mb, seconds=self.seconds)
        if outcome.failure is not None:
            return self.gate.refused(self.drop, outcome.failure, "limits")
        found: dict[str, Any] = outcome.value
        return found


def record_plan(ledger: Ledger, drop: Drop, shares: int, execution: str, at: datetime) -> None:
    """The ledger says once that the drop is validated in shares."""
    if recorded(ledger, DROP_PLANNED, drop.id, execution) is None:
        summary = f"{drop.file_name}: validated in {shares:,} shares"
        ledger.append(DROP_PLANNED, drop.id, about(drop, execution, summary, shares=shares), at, ACTOR)


def digest_of(spec: Spec, occasion: Occasion) -> str:
    """Hex SHA-256 of what a drop is held against row by row."""
    digest = hashlib.sha256(spec.data.model_dump_json().encode())
    for name in sorted(occasion.keys):
        digest.update(b"\0" + name.encode() + b"\0" + occasion.keys[name].dumps())
    return digest.hexdigest()


def _look(
    file: Path, format: Format, name: str, *, spec: Spec, drop: Drop, occasion: Occasion, piece: Piece, target: Path
) -> int:
    """Runs in the sandbox: the piece's rows are looked at and what they show is at ``target``."""
    groups = range(*piece.groups) if piece.groups else None
    with file.open("rb") as stream:
        found = examine(stream, format, gate_of(spec, drop, None, occasion), name, groups)
    write_state(target, found.state())
    return found.rows_read


def _judge(
    paths: Sequence[Path],
    *,
    spec: Spec,
    drop: Drop,
    reference: Profile | None,
    occasion: Occasion,
    parts: Parts,
) -> dict[str, Any]:
    """Runs in the sandbox: partial results hold what files say."""
    gate = gate_of(spec, drop, reference, occasion)
    partials = [Partial.of_state(read_state(path), gate) for path in paths]
    return answer(told_apart(conclude(partials, gate, parts.violations), gate), drop, spec)


def _failed(path: Path, part: Part, format: Format, message: str, rule: str) -> int:
    failure = Violation(rule, None, message, Severity.REFUSE)
    write_state(path, Partial(part.name, Reading(format), failure=failure).state())
    return 0
