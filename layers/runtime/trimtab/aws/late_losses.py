"""Late truth as the judge reads it: what monitoring wrote beside the windows whose truth has come."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from trimtab.errors import EvidenceUnreadable
from trimtab.ports import ObjectStore
from trimtab.rollout.judge.evidence import Score

_FILE = "/losses.json"


class WindowLosses:
    """Losses by version, below the folder of monitoring's windows."""

    def __init__(self, objects: ObjectStore, windows_uri: str) -> None:
        self._objects, self._folder = objects, windows_uri

    def losses(self, since: datetime) -> Mapping[int, tuple[Score, ...]]:
        """A window is named by the time of its run, so those before ``since`` hold nothing of it."""
        start = since.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            listed = self._objects.list(f"{self._folder}/", after=f"{self._folder}/{start}")
            files = [json.loads(self._objects.read(file.uri)) for file in listed if file.uri.endswith(_FILE)]
        except (ClientError, BotoCoreError) as error:
            raise EvidenceUnreadable(f"late truth below {self._folder}: {error}") from error
        found: defaultdict[int, list[Score]] = defaultdict(list)
        for file in files:
            for version, rows in file.items():
                found[int(version)] += [_score(*row) for row in rows]
        kept = {
            version: [each for each in scores if each.minute >= _minute(since)] for version, scores in found.items()
        }
        return {version: tuple(sorted(scores, key=lambda each: each.minute)) for version, scores in kept.items()}


def _score(moment: str, event: str, loss: float) -> Score:
    return Score(_minute(datetime.fromisoformat(moment)), event, loss)


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
