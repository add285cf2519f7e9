"""What a person has said of a version's baseline: that a window of production takes the place of its training rows.

When the champion wins against what was trained anew, it stays, and its baseline with it, although the world has moved
away from both. Whether that is how the world is from now on is no machine's to say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.errors import TrimtabError
from trimtab.ledger.kinds import BASELINE_RECONSIDERED, BASELINE_REFUSED, WINDOW_MEASURED
from trimtab.ledger.lookup import decided
from trimtab.ports import Entry, Ledger, Notifier, ObjectStore

"""Kind of the entry of a word that changed nothing; its subject is the execution that was asked."""
TRAINING = "training"
"""In place of a window: the training rows again."""
PROFILE, SCORES = "profile.json", "scores_profile.json"
"""Files beside a window: of its columns, and of its scores."""
ACTOR = "reconsider_baseline"


class NotReconsidered(TrimtabError):
    """A window cannot take the place of the training rows; the message says why. Asking again changes nothing."""


@dataclass(frozen=True)
class Word:
    """What a person has said."""

    window: str
    """Id of a window, or TRAINING."""
    by: str
    reason: str


@dataclass(frozen=True)
class Reconsidering:
    """Writes down one person's word at one time."""

    at: datetime
    subject: str
    """Execution that was asked: CloudTrail's record of its start is the proof of who asked."""
    objects: ObjectStore
    ledger: Ledger
    notifier: Notifier
    window_uri: Callable[..., str]
    kept_uri: Callable[..., str]
    """URI of a file that is kept for as long as a version may serve, by folder and name."""

    def answer(self, word: Word) -> dict[str, Any]:
        """The word holds, or the ledger says why not; the same to every retry of one execution."""
        if found := answered(self.ledger, self.subject):
            return found
        try:
            return {"outcome": "Reconsidered", **self._record(word)}
        except NotReconsidered as refused:
            told = {"window": word.window, "by": word.by, "reason": word.reason}
            told |= {"summary": f"the baseline stays: {refused}"}
            self.ledger.append(BASELINE_REFUSED, self.subject, told, self.at, ACTOR)
            return {"outcome": "Refused", **told}

    def _record(self, word: Word) -> dict[str, Any]:
        """The entry's data: windows that are measured from now on are held against what ``word`` names.

        Alarms on drift clear or ring with the next of them. Performance stays held against the evaluation. Raises
        NotReconsidered.
        """
        if not word.reason.strip():
            raise NotReconsidered("say why: it is kept in the ledger")
        version = self._serving()
        files = {} if word.window == TRAINING else self._kept(self._measured(word.window, version), version)
        what = "its training rows again" if word.window == TRAINING else f"window {word.window}"
        summary = f"windows of version {version} are held against {what}, says {word.by}: {word.reason}"
        data = {"version": version, "window": word.window, "by": word.by, "reason": word.reason, **files}
        data |= {"summary": summary}
        self._tell(version, what, word)
        self.ledger.append(BASELINE_RECONSIDERED, self.subject, data, self.at, ACTOR)
        return data

    def _serving(self) -> int:
        champion = self.ledger.state("champion")
        if champion is None:
            raise NotReconsidered("no version serves, so there is no baseline to reconsider")
        return int(champion["version"])

    def _measured(self, window: str, version: int) -> Mapping[str, Any]:
        """The window's measurement."""
        entries = self.ledger.entries(WINDOW_MEASURED, window)
        if not entries:
            raise NotReconsidered(f"no window '{window}' was measured; trimtab baseline show lists those that were")
        data = entries[-1].data
        if int(data["version"]) != version:
            raise NotReconsidered(f"version {data['version']} answered window {window}, and version {version} serves")
        if not data["judged"]:
            raise NotReconsidered(f"window {window} was not judged: {data['reason']}")
        if data.get("schema_breaks"):
            broken = "; ".join(str(each["message"]) for each in data["schema_breaks"])
            raise NotReconsidered(f"window {window} is broken, and what is broken is no baseline: {broken}")
        return data

    def _kept(self, measured: Mapping[str, Any], version: int) -> dict[str, Any]:
        """The window's profiles, copied to where they do not expire with captured traffic."""
        window = measured["window"]["id"]
        try:
            found = {name: self.objects.read(self.window_uri(window, name)) for name in (PROFILE, SCORES)}
        except FileNotFoundError as gone:
            raise NotReconsidered(f"window {window} has no profiles any more ({gone}); choose a newer one") from gone
        uris = {name: self.kept_uri(f"v{version}-{window}", name) for name in found}
        for name, body in found.items():
            self.objects.write(uris[name], body, "application/json")
        rows = int(measured["window"]["rows"])
        return {"baseline_uri": uris[PROFILE], "scores_profile_uri": uris[SCORES], "rows": rows}

    def _tell(self, version: int, what: str, word: Word) -> None:
        self.notifier.send(
            f"the baseline of version {version} was reconsidered",
            f"Windows that are measured from now on are held against {what}.",
            f"{word.by}: {word.reason}",
            f'Nothing. To undo it: trimtab baseline use {self.ledger.model} training --reason "..."',
        )


def answered(ledger: Ledger, request: str) -> dict[str, Any] | None:
    """What a word came to, for whoever gave it; None while nothing was decided."""
    if refused := decided(ledger, BASELINE_REFUSED, request):
        return {"outcome": "Refused", **refused}
    word = decided(ledger, BASELINE_RECONSIDERED, request)
    return {"outcome": "Reconsidered", **word} if word else None


def in_force(entries: Sequence[Entry], version: int) -> Mapping[str, Any] | None:
    """What was said of a version last, among ``baseline.reconsidered`` entries; None when its training rows hold."""
    mine = [entry.data for entry in entries if int(entry.data["version"]) == version]
    return mine[-1] if mine and mine[-1]["window"] != TRAINING else None


def comparable(readings: Iterable[Entry], words: Iterable[Entry], version: int | None) -> list[Entry]:
    """Readings that are held against the same baseline: drift of the version from before a person's word is not."""
    since = said_last(words, version)
    return [each for each in readings if each.kind != WINDOW_MEASURED or each.seq > since]


def said_last(entries: Iterable[Entry], version: int | None) -> int:
    """Number of the newest word on a version's baseline, among entries of any kind; 0 before the first."""
    words = (entry for entry in entries if entry.kind == BASELINE_RECONSIDERED)
    return max((word.seq for word in words if int(word.data["version"]) == version), default=0)
