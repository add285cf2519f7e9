"""score_records as a caller that has only ids."""

import json

import pytest

from functions.score_records.handler import ScoreRecordsEvent, score
from tests.endpoint_fakes import MemoryEndpoints
from tests.fakes import NOON, fake_runtime
from tests.fixtures import tiny
from tests.unit.functions.stored_records import MemoryFeatureStore
from trimtab.entrypoint import Runtime
from trimtab.errors import ServiceRefused
from trimtab.feature_store.records import texts_of
from trimtab.ports import Answer
from trimtab.spec.stored import feature_group


class Answering(MemoryEndpoints):
    """An endpoint whose score is the load."""

    def __init__(self, status: int = 200) -> None:
        super().__init__()
        self.bodies: list[bytes] = []
        self.status = status

    def invoke(
        self, endpoint: str, body: bytes, content_type: str = "application/jsonlines", inference_id: str = ""
    ) -> Answer:
        self.bodies.append(body)
        records = [json.loads(line) for line in body.splitlines()]
        said = "".join(json.dumps({"id": each["id"], "score": each["load"], "version": 3}) + "\n" for each in records)
        return Answer(self.status, said.encode(), 1.0)


@pytest.fixture
def runtime() -> Runtime:
    return fake_runtime(tiny.SPEC)


@pytest.fixture
def features() -> MemoryFeatureStore:
    made = MemoryFeatureStore("id", "at")
    texts = [texts_of(row, tiny.SPEC, 1) for row in tiny.month(1, rows=3).to_pylist()]
    made.put(feature_group("trimtab-test-tiny", tiny.SPEC), [each for each in texts if each])
    return made


def asked(*ids: int | str) -> ScoreRecordsEvent:
    return ScoreRecordsEvent(model="tiny", at=NOON, ids=ids)


def test_answers_come_in_order_of_the_ids_with_the_time_of_their_records(
    runtime: Runtime, features: MemoryFeatureStore
) -> None:
    said = score(asked(1_000_002, "1000000"), runtime, features, Answering())
    rows = tiny.month(1, rows=3).to_pylist()
    assert [each["score"] for each in said["answers"]] == [rows[2]["load"], rows[0]["load"]]
    assert [each["version"] for each in said["answers"]] == [3, 3]
    assert said["answers"][0]["event_time"] == rows[2]["at"].strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_a_request_holds_every_column_also_where_nothing_was_stored(
    runtime: Runtime, features: MemoryFeatureStore
) -> None:
    del features.online[feature_group("trimtab-test-tiny", tiny.SPEC)]["1000000"]["heat"]
    endpoint = Answering()
    score(asked(1_000_000), runtime, features, endpoint)
    assert json.loads(endpoint.bodies[0])["heat"] is None


def test_ids_that_are_not_stored_are_told_and_nobody_is_asked(runtime: Runtime, features: MemoryFeatureStore) -> None:
    endpoint = Answering()
    assert score(asked(5, 5), runtime, features, endpoint) == {"answers": [], "missing": ["5"]}
    assert endpoint.bodies == []


def test_an_endpoint_that_refuses_is_an_error(runtime: Runtime, features: MemoryFeatureStore) -> None:
    with pytest.raises(ServiceRefused, match="answered 503"):
        score(asked(1_000_000), runtime, features, Answering(503))
