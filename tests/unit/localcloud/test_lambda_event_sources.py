"""Queues as event sources: what a function reports as failed, and which messages a filter lets in."""

import json
from typing import Any

import pytest

from localcloud.lambda_.event_sources import failed_ids, passes, record

SENT = {"a", "b"}
MESSAGE = {"MessageId": "a", "ReceiptHandle": "r", "Body": '{"size": 300}', "MD5OfBody": "m"}


@pytest.mark.parametrize("answer", ["{}", "null", '{"batchItemFailures": []}', '{"batchItemFailures": null}'])
def test_no_failure_is_success_of_all(answer: str) -> None:
    assert failed_ids(answer.encode(), SENT) == set()


def test_named_messages_have_failed() -> None:
    assert failed_ids(b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', SENT) == {"b"}


@pytest.mark.parametrize(
    "failure", [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"foo": "a"}, {"itemIdentifier": "other"}, "a"]
)
def test_a_report_that_makes_no_sense_fails_the_whole_batch(failure: Any) -> None:
    assert failed_ids(json.dumps({"batchItemFailures": [failure]}).encode(), SENT) == SENT


def test_an_answer_that_is_no_json_fails_the_whole_batch() -> None:
    assert failed_ids(b"no json", SENT) == SENT


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"body": {"size": [{"numeric": [">", 10]}]}}, True),
        ({"body": {"size": [1]}}, False),
        ({"body": ['{"size": 300}']}, True),
        ({"messageId": ["b"]}, False),
    ],
)
def test_a_filter_looks_at_the_record_and_into_a_json_body(pattern: dict[str, Any], expected: bool) -> None:
    seen = record(MESSAGE, "arn:aws:sqs:eu-west-1:1:q")
    assert seen["awsRegion"] == "eu-west-1"
    assert passes(seen, {"Filters": [{"Pattern": json.dumps(pattern)}]}) is expected
    assert (
        passes(seen, {"Filters": [{"Pattern": '{"messageId": ["z"]}'}, {"Pattern": json.dumps(pattern)}]}) is expected
    )
