"""What is looked at of a window's rows, small and mergeable, so that shares of a window can be read apart."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.batch import ColumnBatch
from trimtab.data.column_profile import TimeColumn, TimeProfile
from trimtab.data.profile import NumberProfile, Profile, profile_table
from trimtab.measures import MULTICLASS
from trimtab.monitoring.drift.contract import RuleCount, count_rules, merge_counts
from trimtab.monitoring.records import ROW, SCORE, TIME, VERSION
from trimtab.monitoring.usable import is_usable
from trimtab.spec import Spec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class Observed:
    """The rows of a window that one version answered."""

    profile: Profile
    scores: NumberProfile
    times: TimeProfile
    """Event times; the time of the request where a row has none."""
    rules: tuple[RuleCount, ...] = ()
    requests: int = 0
    """Of all versions: what was captured and could be read."""

    @classmethod
    def of(cls, records: pa.Table, version: int, spec: Spec) -> Self:
        """What is seen in the records that ``version`` answered."""
        requests = pc.sum(pc.equal(records.column(ROW), 0)).as_py() or 0
        mine = records.filter(pc.equal(records.column(VERSION), version))
        monitored = {name: spec.data.columns[name] for name in spec.monitored}
        tally = TimeColumn()
        tally.add(ColumnBatch(_times(mine, spec.data.event_time)))
        return cls(
            profile=profile_table(mine, monitored, spec.data.id),
            scores=NumberProfile.of(_scores(mine, spec)),
            times=tally.profile(),
            rules=count_rules(mine, spec.data),
            requests=requests,
        )

    @classmethod
    def of_parts(cls, parts: Iterable[pa.Table], version: int, spec: Spec) -> Self:
        """The same of records that come in parts, of which one is in memory at a time; there is at least one."""
        return reduce(cls.merge, (cls.of(part, version, spec) for part in parts))

    @property
    def rows(self) -> int:
        return self.profile.rows

    @property
    def period(self) -> Period | None:
        """First and last event time, in UTC; None without any."""
        if self.times.first is None or self.times.last is None:
            return None
        return _moment(self.times.first), _moment(self.times.last)

    def merge(self, other: Self) -> Self:
        """Of both sets of rows together."""
        return type(self)(
            self.profile.merge(other.profile),
            self.scores.merge(other.scores),
            self.times.merge(other.times),
            merge_counts(self.rules, other.rules),
            self.requests + other.requests,
        )

    def to_json(self) -> dict[str, Any]:
        """The form in which a share hands it on."""
        return {
            "profile": self.profile.to_json(),
            "scores": self.scores.to_json(),
            "times": self.times.to_json(),
            "rules": [asdict(rule) for rule in self.rules],
            "requests": self.requests,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        return cls(
            Profile.from_json(document["profile"]),
            NumberProfile.from_json(document["scores"]),
            TimeProfile.from_json(document["times"]),
            tuple(RuleCount(**rule) for rule in document["rules"]),
            document["requests"],
        )


def _scores(records: pa.Table, spec: Spec) -> pa.Array:
    """What was answered; what is no score is missing, so that many of them are seen as prediction drift."""
    scores = records.column(SCORE).combine_chunks()
    if spec.problem == MULTICLASS:
        return scores
    return pc.if_else(pa.array(is_usable(records, spec)), scores, pa.scalar(None, pa.float64()))


def _times(records: pa.Table, event_time: str | None) -> pa.Array:
    asked = records.column(TIME)
    times = asked if event_time is None else pc.coalesce(records.column(event_time), asked)
    return times.combine_chunks()


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
