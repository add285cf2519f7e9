"""Requests, lists, metrics and model functions: the parts of SageMaker that need nothing running."""

import json
import types
from datetime import UTC, datetime
from typing import Any

import pytest

from localcloud.sagemaker.events import upper_status
from localcloud.sagemaker.listing import Listing, operation
from localcloud.sagemaker.metrics import Outcome, Target, dimension_sets, samples
from localcloud.sagemaker.model_server import Transformer, default_input_fn, default_output_fn
from localcloud.sagemaker.training_metrics import MetricReader, final_metrics
from localcloud.sagemaker.transfer import place_of
from localcloud.sagemaker.uris import join_s3_uri, split_s3_uri
from localcloud.sagemaker.validation import problems


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"EndpointName": "ok", "EndpointConfigName": "ok"}, ""),
        ({"EndpointName": "ok"}, "Missing required parameter"),
        ({"EndpointName": "ok", "EndpointConfigName": "ok", "Speed": 9}, "Unknown parameter"),
        ({"EndpointName": "not ok", "EndpointConfigName": "ok"}, "regular expression pattern"),
        ({"EndpointName": "x" * 64, "EndpointConfigName": "ok"}, "length less than or equal to 63"),
        (
            {
                "EndpointName": "ok",
                "EndpointConfigName": "ok",
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {"Type": "SLOWLY", "WaitIntervalInSeconds": 4000}
                    }
                },
            },
            "enum value set: [ALL_AT_ONCE, CANARY, LINEAR]",
        ),
    ],
)
def test_requests_are_checked_against_the_published_model(request_: dict[str, Any], expected: str) -> None:
    found = " ".join(problems("CreateEndpoint", request_))
    assert expected in found
    assert bool(found) == bool(expected)


def listed(request: dict[str, Any]) -> list[str]:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    names = [("b-1", "Failed"), ("a-2", "Completed"), ("b-3", "Completed")]
    records = [{"Name": name, "Status": status, "CreationTime": day.replace(day=1 + n)} for n, (name, status) in
               enumerate(names)]  # fmt: skip
    listing = Listing(lambda _region, _request: records, "Summaries", "Name", ("Name",), "Status")
    answer = operation(listing)(None, request)  # type: ignore[arg-type]  # the records need no region
    return [] if answer is None else [each["Name"] for each in answer["Summaries"]]


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, ["b-1", "a-2", "b-3"]),
        ({"SortOrder": "Descending"}, ["b-3", "a-2", "b-1"]),
        ({"SortBy": "Name"}, ["a-2", "b-1", "b-3"]),
        ({"StatusEquals": "Completed"}, ["a-2", "b-3"]),
        ({"NameContains": "B"}, ["b-1", "b-3"]),
        ({"CreationTimeAfter": datetime(2026, 1, 2, tzinfo=UTC).timestamp()}, ["a-2", "b-3"]),
        ({"MaxResults": 1}, ["b-1"]),
    ],
)
def test_lists_are_filtered_ordered_and_cut(request_: dict[str, Any], names: list[str]) -> None:
    assert listed(request_) == names


def test_metrics_are_published_by_variant_and_by_configuration() -> None:
    variant, config = {"EndpointName": "flights", "VariantName": "v"}, {"EndpointConfigName": "flights-2"}
    assert dimension_sets(Target("flights", "flights-2", "v")) == (variant, config, config | variant)


@pytest.mark.parametrize(
    ("status", "errors"),
    [(200, (0, 0, 0)), (400, (1, 0, 1)), (500, (0, 1, 1)), (0, (0, 1, 1))],
)
def test_errors_are_counted_by_who_caused_them(status: int, errors: tuple[int, int, int]) -> None:
    found = {name: counts for name, _unit, counts in samples([Outcome(status, 1, 1)] * 3)}
    names = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    assert tuple(found[name] for name in names) == tuple({error: 3} for error in errors)
    assert found["Invocations"] == {1: 3}
    assert found["ModelLatency"] == {1: 3}


def test_numbers_are_found_in_what_a_program_writes() -> None:
    reader = MetricReader([{"Name": "auc", "Regex": r"auc=([\d.]+|nan)"}, {"Name": "no group", "Regex": "auc"}])
    assert list(reader.read("epoch 3 auc=0.91")) == [("auc", 0.91)]
    assert list(reader.read("epoch 3")) == []
    known = final_metrics([], "auc", 0.5, "t1")
    assert final_metrics(known, "auc", 0.6, "t2") == [{"MetricName": "auc", "Value": 0.6, "Timestamp": "t2"}]


@pytest.mark.parametrize(
    ("key", "prefix", "path"),
    [
        ("data/train/a.csv", "data/train/", "a.csv"),
        ("data/train/a.csv", "data/train", "a.csv"),
        ("data/train/x/a.csv", "data/train", "x/a.csv"),
        ("data/train2/a.csv", "data/train", "train2/a.csv"),
        ("data/train/a.csv", "data/train/a.csv", "a.csv"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_objects_lie_below_their_channel_by_the_rest_of_their_key(key: str, prefix: str, path: str) -> None:
    assert place_of(key, prefix) == path


def test_s3_uris_are_split_and_joined() -> None:
    assert split_s3_uri("s3://bucket/a/b") == ("bucket", "a/b")
    assert split_s3_uri("s3://bucket") == ("bucket", "")
    assert join_s3_uri("s3://bucket/a/", "/b/", "c") == "s3://bucket/a/b/c"
    with pytest.raises(ValueError, match="not an S3 URI"):
        split_s3_uri("/opt/ml")


def test_endpoint_events_write_the_status_in_capitals() -> None:
    assert [upper_status(each) for each in ("InService", "RollingBack", "Failed")] == [
        "IN_SERVICE",
        "ROLLING_BACK",
        "FAILED",
    ]


def test_the_default_functions_read_and_write_csv_and_json() -> None:
    assert default_input_fn("1,2", "text/csv").shape == (1, 2)
    assert default_input_fn("[[1, 2]]", "application/json").tolist() == [[1.0, 2.0]]
    assert default_output_fn([1.5, 2.5], "text/csv") == (b"1.5\n2.5\n", "text/csv")


def test_a_model_answers_its_own_errors_as_the_container_does() -> None:
    module = types.SimpleNamespace(model_fn=lambda folder: folder, input_fn=lambda body, _type: 1 / 0)
    answer = Transformer(module, "/opt/ml/model").answer(b"{}", "application/json", "application/json")
    assert answer.status == 500
    assert json.loads(answer.body)["error"] == "ZeroDivisionError"
    unknown = Transformer(types.SimpleNamespace(model_fn=lambda folder: folder), "").answer(b"", "image/png", "*/*")
    assert unknown.status == 400


def test_transform_fn_excludes_the_other_functions() -> None:
    module = types.SimpleNamespace(model_fn=lambda folder: folder, transform_fn=None, input_fn=None)
    module.transform_fn = lambda *_arguments: (b"", "text/csv")
    with pytest.raises(ValueError, match="cannot be used together with input_fn"):
        Transformer(module, "")
