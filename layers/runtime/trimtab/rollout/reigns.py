"""Who served production and until when: what the ledger's entries say, without asking anything that runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trimtab.contracts import Promotion
from trimtab.ledger.kinds import APPROVAL_CHECKED, PROMOTION_CLOSED, ROLLBACK_DONE, ROLLOUT_SERVING
from trimtab.ports import Entry


@dataclass(frozen=True)
class Reign:
    """One stretch of time in which one version was production's."""

    version: int
    config: str
    champion: Mapping[str, Any]
    """What the ledger's state ``champion`` was then."""
    promotion: str
    """The promotion that made the version's SageMaker model and endpoint config."""
    began: Entry
    until: datetime | None = None


def reigns(entries: Iterable[Entry]) -> list[Reign]:
    """Every reign, in order; the last one has no end."""
    found: list[Reign] = []
    for entry in entries:
        if entry.kind not in (ROLLOUT_SERVING, ROLLBACK_DONE) or "champion" not in entry.data:
            continue
        if found:
            found[-1] = replace(found[-1], until=entry.at)
        found.append(_reign(entry))
    return found


def _reign(entry: Entry) -> Reign:
    champion = entry.data["champion"]
    promotion = str(champion.get("promotion") or entry.subject)
    return Reign(int(champion["version"]), str(champion.get("config", "")), champion, promotion, entry)


def good_versions(history: Sequence[Reign]) -> list[int]:
    """Versions that one may go back to, newest last; one that was rolled back is none any more."""
    found: list[int] = []
    for reign in history:
        if reign.version in found:
            del found[found.index(reign.version) :]
        found.append(reign.version)
    return found


def newest_of(history: Sequence[Reign], version: int) -> Reign | None:
    """The version's last reign, None when it never served."""
    return next((reign for reign in reversed(history) if reign.version == version), None)


def record_of(entries: Iterable[Entry], promotion: str) -> Promotion | None:
    """What was checked when the promotion began: enough to make its model and its config again."""
    for entry in entries:
        if (entry.kind, entry.subject) == (APPROVAL_CHECKED, promotion) and entry.data["outcome"] == "Approved":
            return Promotion.model_validate(entry.data)
    return None


def under_way(entries: Iterable[Entry]) -> Promotion | None:
    """The promotion that was let in last, unless it has ended."""
    found: Promotion | None = None
    for entry in entries:
        if entry.kind == APPROVAL_CHECKED and entry.data["outcome"] == "Approved":
            found = Promotion.model_validate(entry.data)
        elif entry.kind == PROMOTION_CLOSED and found is not None and entry.subject == found.id:
            found = None
    return found
