"""A version that is measured beyond its limits soon after it took over is a case for a rollback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLBACK_PROPOSED
from trimtab.ports import Entry, Ledger, Notifier
from trimtab.rollout.reigns import Reign, good_versions, reigns
from trimtab.spec.after import AfterSpec
from trimtab.spec.retraining import AlarmKind

ACTOR = "decide_retrain"
OF_THE_VERSION: Final[tuple[AlarmKind, ...]] = ("drift", "prediction", "quality")
"""Kinds of alarm that speak against a new version wherever the spec says nothing else of them."""
_IN_WORDS: Final[Mapping[str, str]] = {
    "drift": "its data have drifted",
    "prediction": "its scores have drifted",
    "quality": "its quality has fallen",
    "estimate": "its quality is estimated to have fallen",
    "slice": "its quality on a part of the rows has fallen",
    "bias": "its decisions differ between groups",
    "schema": "its requests are not what it learned from",
    "change": "what it is measured by has changed",
    "forecast": "it is foretold to cross a limit",
    "errors": "its requests fail",
    "saturation": "its instances are full",
    "latency": "its answers are slow",
    "latency_anomaly": "its answers are slower than is usual",
    "error_anomaly": "more of its requests are refused or fail than usual",
}


@dataclass(frozen=True)
class Case:
    """Why to go back, and to what."""

    version: int
    """The version that serves."""
    to: int
    reason: str


def case_for_rollback(entries: Sequence[Entry], breaches: Sequence[str], after: AfterSpec, at: datetime) -> Case | None:
    """None without a breach of the serving version's own, after its watch window, or with nothing to go back to.

    ``breaches`` are kinds of alarm whose newest reading of the serving version lies beyond its limit, or that ring on
    its endpoint.
    """
    history = reigns(entries)
    good = good_versions(history)
    if not breaches or len(good) < 2 or not _is_new(history[-1], after, at):
        return None
    version, what = history[-1].version, " and ".join(_IN_WORDS[kind] for kind in breaches)
    since = history[-1].began.at
    reason = f"version {version} has served since {since:%Y-%m-%d %H:%M} only, and {what}"
    return Case(version, good[-2], reason)


def _is_new(reign: Reign, after: AfterSpec, at: datetime) -> bool:
    """A version that came back by a rollback is not new: one does not go back from where one went back to."""
    return reign.began.kind != ROLLBACK_DONE and at - reign.began.at <= timedelta(hours=after.watch_hours)


def propose(case: Case, ledger: Ledger, notifier: Notifier, subject: str, at: datetime) -> None:
    """People are told of the case, with its command, once for each version."""
    if any(entry.data["version"] == case.version for entry in ledger.entries(ROLLBACK_PROPOSED)):
        return
    command = f'trimtab rollback {ledger.model} --to {case.to} --reason "{case.reason}"'
    data = {
        "version": case.version,
        "to": case.to,
        "reason": case.reason,
        "command": command,
        "summary": f"a rollback to version {case.to} is proposed: {case.reason}",
    }
    ledger.append(ROLLBACK_PROPOSED, subject, data, at, ACTOR)
    notifier.send(
        f"version {case.version} may have to be rolled back",
        f"Version {case.version} is measured beyond its limits while it is still watched.",
        case.reason,
        f"To go back: {command}. The retraining policy decides as always.",
    )
