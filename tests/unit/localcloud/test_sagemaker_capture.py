"""Data capture's layout."""

import base64
import json
from typing import Any

import pytest

from localcloud.sagemaker.capture import CapturedLine, Invocation, Payload, captured_line, files, is_sampled, object_key

MORNING = 1_362_114_123.045  # 2013-03-01T05:02:03.045Z
CONFIG: dict[str, Any] = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://captures/flights/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}


def line(config: dict[str, Any], content_type: str = "text/csv", body: bytes = b"1,2") -> dict[str, Any]:
    invocation = Invocation("v", Payload(content_type, body), Payload("application/json", b"[0.5]"), MORNING, "id-1")
    found: dict[str, Any] = json.loads(captured_line(config, invocation).text)
    return found


def test_both_directions_are_kept_as_the_text_of_their_content_type() -> None:
    found = line(CONFIG)
    assert found["captureData"] == {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": "[0.5]",
            "encoding": "JSON",
        },
    }
    assert found["eventMetadata"]["inferenceId"] == "id-1"
    assert found["eventMetadata"]["inferenceTime"] == "2013-03-01T05:02:03Z"
    assert len(found["eventMetadata"]["eventId"]) == 36


def test_only_the_directions_of_the_options_are_kept() -> None:
    found = line(CONFIG | {"CaptureOptions": [{"CaptureMode": "Output"}]})
    assert set(found["captureData"]) == {"endpointOutput"}


@pytest.mark.parametrize(
    ("content_type", "body"), [("application/x-npy", b"\x93NUMPY"), ("text/plain", b"hello"), ("text/csv", b"\xff")]
)
def test_other_content_types_and_broken_text_are_base64(content_type: str, body: bytes) -> None:
    given = line(CONFIG, content_type, body)["captureData"]["endpointInput"]
    assert (given["encoding"], base64.b64decode(given["data"])) == ("BASE64", body)


def test_parameters_of_a_content_type_do_not_matter() -> None:
    assert line(CONFIG, "text/csv; charset=utf-8")["captureData"]["endpointInput"]["encoding"] == "CSV"


def test_keys_carry_endpoint_variant_and_hour() -> None:
    assert object_key("/base/", "flights", "v", MORNING, "x") == "base/flights/v/2013/03/01/05/02-03-045-x.jsonl"
    assert object_key("", "flights", "v", MORNING, "x") == "flights/v/2013/03/01/05/02-03-045-x.jsonl"


def test_lines_of_different_hours_and_variants_go_to_different_files() -> None:
    lines = [CapturedLine("s3://b/p", variant, MORNING + hour * 3600, f"{variant}{hour}") for variant, hour in PAIRS]
    found = {key.rpartition("/")[0]: body for _bucket, key, body in files("flights", lines)}
    assert found == {
        "p/flights/a/2013/03/01/05": b"a0\na0\n",
        "p/flights/a/2013/03/01/06": b"a1\n",
        "p/flights/b/2013/03/01/05": b"b0\n",
    }


PAIRS = [("a", 0), ("a", 1), ("b", 0), ("a", 0)]


def test_nothing_is_sampled_at_zero_percent_or_when_capture_is_off() -> None:
    assert not any(is_sampled(CONFIG | {"InitialSamplingPercentage": 0}) for _ in range(100))
    assert not is_sampled(CONFIG | {"EnableCapture": False})
    assert all(is_sampled(CONFIG) for _ in range(100))
