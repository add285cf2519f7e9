"""Which events a pattern matches, and which patterns are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.eventbridge.pattern import InvalidPattern, matches, validate

EVENT: dict[str, Any] = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "region": "us-east-1",
    "resources": ["arn:aws:s3:::drops", "arn:aws:s3:::other"],
    "detail": {
        "bucket": {"name": "drops"},
        "object": {"key": "in/Flights/2013-01.parquet", "size": 300, "ratio": 0.5},
        "empty": "",
        "nothing": None,
        "ok": True,
        "ip": "10.1.2.3",
        "tags": [],
        "dotted.deep": "yes",
        "items": [{"kind": "a", "count": 1}, {"kind": "b", "count": 2}],
    },
}


def detail(**wanted: Any) -> dict[str, Any]:
    return {"detail": wanted}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.s3"]},
        {"source": ["aws.ec2", "aws.s3"], "region": ["us-east-1"]},
        {"resources": ["arn:aws:s3:::other"]},
        detail(bucket={"name": ["drops"]}),
        detail(empty=[""]),
        detail(nothing=[None]),
        detail(ok=[True]),
        detail(object={"size": [3.0e2]}),
        detail(object={"key": [{"prefix": "in/"}]}),
        detail(object={"key": [{"prefix": {"equals-ignore-case": "IN/flights/"}}]}),
        detail(object={"key": [{"suffix": ".parquet"}]}),
        detail(object={"key": [{"suffix": {"equals-ignore-case": ".PARQUET"}}]}),
        detail(object={"key": [{"wildcard": "in/*/2013-*.parquet"}]}),
        detail(bucket={"name": [{"equals-ignore-case": "DROPS"}]}),
        detail(object={"size": [{"numeric": ["=", 300]}]}),
        detail(object={"size": [{"numeric": [">", 0, "<=", 300]}]}),
        detail(ip=[{"cidr": "10.0.0.0/8"}]),
        detail(bucket={"name": [{"anything-but": "quarantine"}]}),
        detail(bucket={"name": [{"anything-but": ["quarantine", "other"]}]}),
        detail(object={"size": [{"anything-but": [1, 2]}]}),
        detail(object={"key": [{"anything-but": {"prefix": "out/"}}]}),
        detail(object={"key": [{"anything-but": {"suffix": [".csv", ".json"]}}]}),
        detail(object={"key": [{"anything-but": {"wildcard": "*/2014-*"}}]}),
        detail(bucket={"name": [{"anything-but": {"equals-ignore-case": ["other"]}}]}),
        detail(object={"key": [{"exists": True}], "etag": [{"exists": False}]}),
        detail(tags=[{"exists": False}]),
        detail(missing={"deeper": [{"exists": False}]}),
        detail(items={"kind": ["b"], "count": [2]}),
        detail(bucket={"name": [{"prefix": "zz"}, "drops"]}),
        {"detail.bucket.name": ["drops"]},
        detail(dotted={"deep": ["yes"]}),
        {"$or": [{"source": ["x"]}, detail(ok=[True])]},
        detail(**{"$or": [{"ip": ["1.1.1.1"]}, {"object": {"size": [300]}}]}),
    ],
)
def test_the_pattern_matches(pattern: dict[str, Any]) -> None:
    validate(pattern)
    assert matches(EVENT, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.ec2"]},
        {"source": ["aws.s3"], "region": ["eu-west-1"]},
        detail(ok=[1]),
        detail(object={"size": [True]}),
        detail(object={"size": ["300"]}),
        detail(nothing=[""]),
        detail(object={"key": [{"prefix": "IN/"}]}),
        detail(object={"key": [{"wildcard": "in/*/2014-*.parquet"}]}),
        detail(object={"size": [{"numeric": ["<", 300]}]}),
        detail(ok=[{"numeric": ["=", 1]}]),
        detail(ip=[{"cidr": "10.2.0.0/16"}]),
        detail(bucket={"name": [{"cidr": "10.0.0.0/8"}]}),
        detail(bucket={"name": [{"anything-but": ["drops"]}]}),
        detail(object={"etag": [{"anything-but": "x"}]}),
        detail(object={"key": [{"anything-but": {"prefix": "in/"}}]}),
        detail(object={"key": [{"exists": False}]}),
        detail(object=[{"exists": True}]),
        detail(items={"kind": ["a"], "count": [2]}),
        {"$or": [{"source": ["x"]}, detail(ok=[False])]},
    ],
)
def test_the_pattern_does_not_match(pattern: dict[str, Any]) -> None:
    validate(pattern)
    assert not matches(EVENT, pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ({}, "Empty event pattern"),
        ([], "not an object"),
        ({"source": "aws.s3"}, "must be an object or an array"),
        ({"source": []}, "Empty arrays"),
        (detail(a={}), "Empty objects"),
        (detail(a=[{"glob": "*"}]), "Unrecognized match type glob"),
        (detail(a=[{"prefix": "a", "suffix": "b"}]), "Only one key"),
        (detail(a=[{"prefix": 1}]), "prefix match pattern must be a string"),
        (detail(a=[{"numeric": ["<", 1, ">", 0]}]), "numeric"),
        (detail(a=[{"numeric": [">", 5, "<", 1]}]), "numeric"),
        (detail(a=[{"numeric": ["~", 5]}]), "numeric"),
        (detail(a=[{"cidr": "10.0.0.0/40"}]), "Malformed CIDR"),
        (detail(a=[{"exists": "yes"}]), "exists"),
        (detail(a=[{"wildcard": "a**b"}]), "wildcard"),
        (detail(a=[{"wildcard": "a\\b"}]), "wildcard"),
        (detail(a=[{"anything-but": {"prefix": ""}}]), "anything-but"),
        (detail(a=[{"anything-but": {"suffix": {"equals-ignore-case": "x"}}}]), "anything-but"),
        (detail(a=[{"anything-but": ["a", 1]}]), "anything-but"),
        (detail(a=[{"anything-but": {"numeric": ["=", 1]}}]), "anything-but"),
        (detail(a=[["nested"]]), "not arrays"),
        ({"$or": [{"source": ["a"]}]}, "at least 2"),
    ],
)
def test_an_invalid_pattern_is_refused_with_its_reason(pattern: Any, reason: str) -> None:
    with pytest.raises(InvalidPattern, match=reason):
        validate(pattern)


@given(st.text(), st.text())
def test_a_prefix_pattern_agrees_with_startswith(value: str, prefix: str) -> None:
    assert matches({"a": value}, {"a": [{"prefix": prefix}]}) == value.startswith(prefix)


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none()))
def test_every_scalar_matches_itself_and_not_anything_but_itself(value: Any) -> None:
    assert matches({"a": value}, {"a": [value]})
    if isinstance(value, str):
        assert not matches({"a": value}, {"a": [{"anything-but": [value]}]})
