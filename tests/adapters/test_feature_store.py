"""SageMaker's Feature Store behind the FeatureStore port, with its answers in its own shapes."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from trimtab.aws.feature_store import SageMakerFeatureStore
from trimtab.errors import FeatureStoreBusy

GROUP = "trimtab-test-tiny-1a2b3c4d"


@pytest.fixture
def stub() -> Iterator[Any]:
    client = boto3.client(
        "sagemaker-featurestore-runtime", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber


def put(record: dict[str, str]) -> dict[str, Any]:
    values = [{"FeatureName": name, "ValueAsString": text} for name, text in record.items()]
    return {"FeatureGroupName": GROUP, "Record": values}


def answer(*ids: str, **more: Any) -> dict[str, Any]:
    records = [
        {
            "FeatureGroupName": GROUP,
            "RecordIdentifierValueAsString": each,
            "Record": [{"FeatureName": "id", "ValueAsString": each}, {"FeatureName": "load", "ValueAsString": "1.5"}],
        }
        for each in ids
    ]
    return {"Records": records, "Errors": [], "UnprocessedIdentifiers": [], **more}


def asked(ids: list[str]) -> dict[str, Any]:
    return {"Identifiers": [{"FeatureGroupName": GROUP, "RecordIdentifiersValueAsString": ids}]}


def test_records_of_one_id_are_written_in_their_order(stub: Any) -> None:
    records = [{"id": "1", "at": "2026-01-01T00:00:00.000Z", "load": str(load)} for load in range(4)]
    for record in records:
        stub.add_response("put_record", {}, put(record))
    SageMakerFeatureStore(stub.client).put(GROUP, records)
    stub.assert_no_pending_responses()


def test_ids_are_asked_for_by_the_hundred_and_unknown_ones_are_absent(stub: Any) -> None:
    ids = [str(each) for each in range(130)]
    stub.add_response("batch_get_record", answer("7"), asked(ids[:100]))
    stub.add_response("batch_get_record", answer("101", "129"), asked(ids[100:]))
    found = SageMakerFeatureStore(stub.client).get(GROUP, ids)
    assert found == {each: {"id": each, "load": "1.5"} for each in ("7", "101", "129")}


def test_a_busy_store_is_come_back_to_and_a_refusal_is_not(stub: Any) -> None:
    store = SageMakerFeatureStore(stub.client)
    stub.add_client_error("put_record", "ThrottlingException")
    with pytest.raises(FeatureStoreBusy):
        store.put(GROUP, [{"id": "1"}])
    stub.add_client_error("put_record", "ValidationError", "the group has no such feature")
    with pytest.raises(stub.client.exceptions.ValidationError):
        store.put(GROUP, [{"id": "1"}])
    missed = {"FeatureGroupName": GROUP, "RecordIdentifiersValueAsString": ["1"]}
    stub.add_response("batch_get_record", answer(UnprocessedIdentifiers=[missed]), asked(["1"]))
    with pytest.raises(FeatureStoreBusy, match="did not answer for all"):
        store.get(GROUP, ["1"])
