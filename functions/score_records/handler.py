"""Scores records that the feature store holds; whoever has only ids calls it in place of the endpoint."""

import json
from typing import Any

from pydantic import Field

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.feature_store import SageMakerFeatureStore
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import ServiceRefused
from trimtab.feature_store.port import FeatureStore
from trimtab.feature_store.records import request_of
from trimtab.ports import Endpoints
from trimtab.spec.stored import feature_group


class ScoreRecordsEvent(Event):
    """Ids to be scored, as rows of drops hold them."""

    ids: tuple[str | int, ...] = Field(min_length=1, max_length=500)


@entrypoint(ScoreRecordsEvent)
def handler(event: ScoreRecordsEvent, runtime: Runtime) -> dict[str, Any]:
    """The model's answers, and the ids that the store does not hold."""
    return score(event, runtime, SageMakerFeatureStore.connect(), SageMakerEndpoints.connect())


def score(event: ScoreRecordsEvent, runtime: Runtime, features: FeatureStore, endpoints: Endpoints) -> dict[str, Any]:
    """``answers`` are the endpoint's own, in order of ids, each with the event time of the record it is about.

    Raises ServiceRefused when the endpoint does not answer.
    """
    spec, ids = runtime.spec, tuple(dict.fromkeys(str(each) for each in event.ids))
    stored = features.get(feature_group(runtime.names.prefix, spec), ids)
    records = [request_of(stored[each], spec) for each in ids if each in stored]
    answers = _asked(records, runtime.names.endpoint, endpoints) if records else []
    times = [{"event_time": record[str(spec.data.event_time)]} for record in records]
    return {
        "answers": [answer | time for answer, time in zip(answers, times, strict=True)],
        "missing": [each for each in ids if each not in stored],
    }


def _asked(records: list[dict[str, Any]], endpoint: str, endpoints: Endpoints) -> list[dict[str, Any]]:
    body = "".join(json.dumps(record) + "\n" for record in records)
    answer = endpoints.invoke(endpoint, body.encode())
    if answer.status != 200:
        raise ServiceRefused(f"{endpoint} answered {answer.status}: {answer.body[:300].decode(errors='replace')}")
    return [json.loads(line) for line in answer.body.splitlines()]
