"""Captured traffic as the judge reads it: a bounded sample of what SageMaker wrote to S3 since the rollout began."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from trimtab.errors import DataError, EvidenceUnreadable
from trimtab.monitoring.capture import Event, decode_lines
from trimtab.names import BATCH_EVENT
from trimtab.ports import ObjectInfo, ObjectStore
from trimtab.rollout.judge.evidence import Fleet
from trimtab.rollout.judge.sources import CapturedAnswer
from trimtab.spec import DataSpec

MAX_BYTES = 16 * 1024 * 1024
"""Bytes that one look fetches; what remains is fetched by the next one."""
PER_FILE = 500
"""Answers of a file that are kept, chosen by a digest of the request's id; synthetic ones are all kept."""
KEPT = 200_000
"""Answers that a warm function remembers, so that each file is read once."""
_OVERLAP = timedelta(minutes=10)
"""A file is named by its first request, and may hold later ones for some minutes."""
_read: dict[str, list[CapturedAnswer]] = {}


class CapturedTraffic:
    """Answers of one endpoint, from the folder in which SageMaker captures it."""

    def __init__(self, objects: ObjectStore, capture_uri: str, data: DataSpec) -> None:
        self._objects, self._folder, self._data = objects, capture_uri, data

    def answers(self, fleet: Fleet, since: datetime) -> Iterable[CapturedAnswer]:
        """Oldest file first. What cannot be read, is no number, is no answer of a model, or was scored
        by a batch is left out."""
        try:
            files = self._files(f"{self._folder}/{fleet.endpoint}/{fleet.variant}/", since)
            found = [answer for file in self._fetched(files) for answer in file]
        except (ClientError, BotoCoreError) as error:
            raise EvidenceUnreadable(f"captured traffic of {fleet.endpoint}: {error}") from error
        return [answer for answer in found if answer.time >= since]

    def _files(self, folder: str, since: datetime) -> list[ObjectInfo]:
        start = (since - _OVERLAP).astimezone(UTC)
        listed = self._objects.list(folder, after=f"{folder}{start:%Y/%m/%d/%H/%M-%S}")
        return [file for file in listed if file.uri.endswith(".jsonl")]

    def _fetched(self, files: list[ObjectInfo]) -> Iterator[list[CapturedAnswer]]:
        left = MAX_BYTES
        for file in files:
            if file.uri not in _read:
                if file.size > left and left < MAX_BYTES:
                    continue
                left -= file.size
                _remember(file.uri, self._decoded(file))
            yield _read[file.uri]

    def _decoded(self, file: ObjectInfo) -> list[CapturedAnswer]:
        with self._objects.open(file.uri) as lines:
            decoded = [event for event in decode_lines(lines, self._data) if not isinstance(event, DataError)]
        events = [event for event in decoded if not event.id.startswith(BATCH_EVENT)]
        read = (self._answer(event) for event in events if event.answers)
        found = [answer for answer in read if math.isfinite(answer.score)]
        ordered = sorted(found, key=lambda each: (not each.synthetic, hashlib.sha256(each.request.encode()).digest()))
        synthetic = sum(each.synthetic for each in found)
        return ordered[: synthetic + PER_FILE]

    def _answer(self, event: Event) -> CapturedAnswer:
        answer, version = event.answers[0], str(event.answers[0].get("version"))
        return CapturedAnswer(
            time=event.time,
            request=event.id,
            record=str(event.records[0].get(self._data.id, "")),
            version=int(version) if version.isdecimal() else None,
            score=float(answer["score"]),
            synthetic=event.is_synthetic,
        )


def _remember(uri: str, answers: list[CapturedAnswer]) -> None:
    """All is forgotten when it is too much: files of rollouts that ended are not asked for again."""
    if sum(map(len, _read.values())) + len(answers) > KEPT:
        _read.clear()
    _read[uri] = answers
