"""How retraining stands, from the ledger alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from trimtab.ledger.kinds import TRAINING_RELEASED
from trimtab.ports import Entry
from trimtab.recovery.history import DECISIONS, History
from trimtab.recovery.policy import DAY, MONTH

LONGEST = timedelta(days=31)
"""No training of SageMaker's takes longer."""


def status(entries: Sequence[Entry], at: datetime) -> dict[str, Any]:
    """What is running, waiting, spent and given up at ``at``, and the newest decision with its questions."""
    history = History(entries, at, LONGEST)
    given_up = history.given_up
    return {
        "state": "given_up" if given_up else "training" if history.running else "ready",
        "given_up": {"since": given_up.at.isoformat(), **given_up.data} if given_up else None,
        "running": history.running,
        "losses": history.losses,
        "started": {name: sum(start > at - window for start in history.starts) for name, window in _WINDOWS.items()},
        "spent_usd": round(history.spent(MONTH, unknown=0.0), 4),
        "unknown_costs": sum(_is_unknown(entry) for entry in entries if entry.at > at - MONTH),
        "new": {"files": history.news.files, "rows": history.news.rows},
        "waiting": [_waiting(key, waited) for key, waited in history.pending.items()],
        "last": _last(entries),
    }


_WINDOWS = {"day": DAY, "month": MONTH}


def _is_unknown(entry: Entry) -> bool:
    return entry.kind == TRAINING_RELEASED and (entry.data.get("cost") or {}).get("usd") is None


def _waiting(key: str, waited: Sequence[Entry]) -> dict[str, Any]:
    newest = waited[-1]
    return {
        "key": key,
        "kind": newest.data.get("kind"),
        "since": waited[0].at.isoformat(),
        "times": len(waited),
        "until": newest.data.get("until", ""),
        "reason": newest.data["reason"],
    }


def _last(entries: Sequence[Entry]) -> dict[str, Any] | None:
    for entry in reversed(entries):
        if entry.kind in DECISIONS:
            fields = ("cause", "alarm", "reason", "decision")
            return {"at": entry.at.isoformat(), "what": entry.kind} | {name: entry.data.get(name) for name in fields}
    return None
