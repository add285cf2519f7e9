"""What the next window is made of: files of the oldest time that was not counted yet, latecomers after a rule.

Files that come after their window was collected make a window of their own, about the same time, when they are enough
to be judged; else they are counted in the next window. So are always those of the last hours before a window's end:
SageMaker writes a file some minutes after its requests, and minutes of a day are not what a day is measured by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.monitoring.files import HOUR, CaptureFile
from trimtab.monitoring.windows import MOMENT, Calendar, Span, stamp

SETTLING: Final = 2 * HOUR
"""Files of so long before a window's end belong to the next one when they come after it was collected."""


@dataclass(frozen=True)
class Target:
    """Files whose records up to ``until`` make a window."""

    id: str
    span: Span
    """What the window is about; of latecomers, the window that was closed before they came."""
    files: tuple[CaptureFile, ...]
    until: datetime
    late: bool = False

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    def joined(self, others: Sequence[CaptureFile]) -> "Target":
        """The same window with the records of other files too."""
        return Target(self.id, self.span, (*others, *self.files), self.until, self.late)

    def to_json(self) -> dict[str, Any]:
        """The target as JSON values."""
        return {
            "id": self.id,
            "span": self.span.to_json(),
            "files": [file.to_json() for file in self.files],
            "until": self.until.isoformat(),
            "late": self.late,
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "Target":
        """What ``to_json`` gave."""
        start, end = (datetime.fromisoformat(found["span"][name]) for name in ("start", "end"))
        files = tuple(map(CaptureFile.of_json, found["files"]))
        return cls(found["id"], Span(start, end), files, datetime.fromisoformat(found["until"]), found["late"])


def latecomers(files: Sequence[CaptureFile], calendar: Calendar, turn: int) -> list[Target]:
    """Targets of files all of whose time lies in windows that are closed, one for each such window, oldest first."""
    groups: dict[Span, list[CaptureFile]] = {}
    for file in files:
        if is_late(file, calendar):
            groups.setdefault(calendar.window(file.begin or file.hour + HOUR / 2), []).append(file)
    until = calendar.through or calendar.at
    run = f"{stamp(calendar.at)}-{turn}"
    spans = sorted(groups, key=lambda span: span.end)
    return [Target(f"{stamp(span.end)}-late-{run}", span, tuple(groups[span]), until, late=True) for span in spans]


def is_late(file: CaptureFile, calendar: Calendar) -> bool:
    """Whether the window of what is left of a file was collected a while before; all that is left is its hour."""
    return calendar.is_closed((file.begin or file.end) + SETTLING)


def together(targets: Sequence[Target]) -> Target:
    """All latecomers in the one window that is about the oldest of them."""
    return targets[0].joined([file for target in targets[1:] for file in target.files])


def following(files: Sequence[CaptureFile], calendar: Calendar) -> Target | None:
    """The oldest window up to the run's time of the files that are not late; None when there is none."""
    current = [file for file in files if not is_late(file, calendar)]
    begin = min((_begin(file, calendar) for file in current), default=None)
    if begin is None or begin > calendar.at:
        return None
    span = calendar.window(begin)
    ready = tuple(file for file in current if _begin(file, calendar) <= span.end)
    return Target(stamp(span.end), span, ready, span.end)


def extended(target: Target, files: Sequence[CaptureFile], calendar: Calendar) -> Target | None:
    """The same window with the next one's time; None when there is none before the run's time."""
    if target.span.end >= calendar.at:
        return None
    end = calendar.window(target.span.end + MOMENT).end
    ready = [file for file in files if not is_late(file, calendar) and _begin(file, calendar) <= end]
    return Target(stamp(end), Span(target.span.start, end), tuple(ready), end)


def _begin(file: CaptureFile, calendar: Calendar) -> datetime:
    """Before this, no record of the file is left to be counted."""
    begin = file.begin or file.hour
    return max(begin, calendar.through + MOMENT) if calendar.through else begin
