"""What an audit trail said of a package, and up to when: each reading asks only for what is newer.

CloudTrail answers two calls of LookupEvents a second for a whole account and region, with 50 events each, and knows no
way to ask for one package's: whoever asks reads the events of every model. Source: AWS CloudTrail API Reference,
LookupEvents.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from trimtab.errors import TrailNotRead
from trimtab.ports import Ledger, Package
from trimtab.rollout.votes import Caller, StatusChange

OVERLAP: Final = timedelta(hours=1)
"""How late an event may be shown and still be found by the next reading; AWS says within about 15 minutes."""
MADE_BEFORE, MADE_AFTER = timedelta(minutes=1), timedelta(minutes=5)
"""How far from a package's creation the event of its registration may lie."""
PAGES, SECONDS = 150, 150.0
"""What one reading may take; the function has twice the time, and digests files besides."""


@dataclass(frozen=True)
class Page:
    """One answer of the trail."""

    changes: tuple[StatusChange, ...]
    """Calls about the package that was asked for, newest first."""
    oldest: datetime | None
    """Time of the page's last event, whatever it is about; None of an empty page."""
    has_more: bool


class EventPages(Protocol):
    """A trail that is read page by page."""

    def pages(self, call: str, package_arn: str, start: datetime, end: datetime | None) -> Iterator[Page]:
        """Calls of the operation ``call`` from ``start`` to ``end``, both included and in whole seconds, newest first.

        Raises TrailNotRead when the trail takes no more questions for now.
        """
        ...


@dataclass
class Reading:
    """What was read of one package."""

    created: datetime
    until: datetime
    """All that happened before has been read, but what was shown later than the overlap."""
    begun: datetime | None = None
    """When the reading began that has not come to ``until`` yet."""
    back_to: datetime | None = None
    """How far back that one has come."""
    changes: list[StatusChange] = field(default_factory=list)
    """Oldest first; those of one second in the trail's order, the registration before all."""

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None, package: Package) -> "Reading":
        """What is kept of this package, and not of an earlier one of its name; else nothing has been read."""
        if kept is None or kept["created"] != package.created.isoformat():
            return cls(package.created, package.created)
        times = {name: _time(kept[name]) for name in ("begun", "back_to")}
        changes = [_change(each) for each in kept["changes"]]
        return cls(package.created, datetime.fromisoformat(kept["until"]), changes=changes, **times)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; ``of`` reads it."""
        times = {name: _text(getattr(self, name)) for name in ("created", "until", "begun", "back_to")}
        return times | {"changes": [_kept(each) for each in self.changes]}

    @property
    def start(self) -> datetime:
        """From when on the trail has to be asked."""
        return max(self.created, self.until - OVERLAP).replace(microsecond=0)

    @property
    def lacks_registration(self) -> bool:
        """Whether the registration is still to be found."""
        return self.start <= self.created + MADE_AFTER and not any(each.is_registration for each in self.changes)

    def add(self, page: Page) -> None:
        """The page's changes are known once each."""
        ids = {each.id for each in page.changes}
        known = (each for each in self.changes if each.id not in ids)
        self.changes = sorted((*reversed(page.changes), *known), key=lambda each: (each.at, not each.is_registration))

    def finish(self) -> None:
        """The reading under way has come to what was read before."""
        self.until = max(self.until, self.begun or self.until)
        self.begun = self.back_to = None


@dataclass(frozen=True)
class KeptTrail:
    """An AuditTrail that keeps beside the ledger's entries what it has read."""

    history: EventPages
    ledger: Ledger
    clock: Callable[[], float]
    """Seconds of real time, from any beginning."""
    most_pages: int = PAGES
    most_s: float = SECONDS

    def changes(self, package: Package, at: datetime) -> list[StatusChange]:
        """All of them since the package was made. ``at`` is now, or not long ago.

        Raises TrailNotRead when that takes more than one reading may; what was read is kept, and the next goes on.
        """
        name = f"trail#{package.version}"
        kept = self.ledger.state(name)
        reading = Reading.of(kept, package)
        try:
            self._read(reading, package, at)
        finally:
            if (found := reading.to_json()) != kept:
                self.ledger.keep(name, found)
        return reading.changes

    def _read(self, reading: Reading, package: Package, at: datetime) -> None:
        limit = _Limit(self.clock, self.clock() + self.most_s, self.most_pages)
        if reading.lacks_registration:
            between = (package.created - MADE_BEFORE).replace(microsecond=0), package.created + MADE_AFTER
            for page in self.history.pages("CreateModelPackage", package.arn, *between):
                reading.add(page)
                limit.count(page, package)
        if reading.back_to is not None:
            self._go_back(reading, package, limit)
        reading.begun = at
        self._go_back(reading, package, limit)

    def _go_back(self, reading: Reading, package: Package, limit: "_Limit") -> None:
        """From now, or from where it stopped, to what was read before."""
        for page in self.history.pages("UpdateModelPackage", package.arn, reading.start, reading.back_to):
            reading.add(page)
            reading.back_to = page.oldest or reading.back_to
            limit.count(page, package)
        reading.finish()


@dataclass
class _Limit:
    """What is left to one reading."""

    clock: Callable[[], float]
    deadline: float
    pages: int

    def count(self, page: Page, package: Package) -> None:
        """Raises TrailNotRead when another page would be too much."""
        self.pages -= 1
        if page.has_more and (self.pages <= 0 or self.clock() >= self.deadline):
            back_to = page.oldest.isoformat() if page.oldest else "now"
            raise TrailNotRead(
                f"CloudTrail's events were read back to {back_to}, not yet to the first about version "
                f"{package.version}, so its approvals are not counted: the next attempt goes on from there"
            )


def _kept(change: StatusChange) -> dict[str, Any]:
    return asdict(change) | {"at": change.at.isoformat(), "skips": list(change.skips)}


def _change(kept: Mapping[str, Any]) -> StatusChange:
    parts = {"by": Caller(**kept["by"]), "at": datetime.fromisoformat(kept["at"]), "skips": tuple(kept["skips"])}
    return StatusChange(**{**kept, **parts})


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
