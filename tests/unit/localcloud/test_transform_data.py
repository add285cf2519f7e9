"""Records of batch transform: batches within their limit, filters, joins."""

from typing import Any

import pytest

from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.transform_data import Records, assemble, batches, select, split


def test_lines_are_put_together_up_to_the_limit() -> None:
    records = split(b"aaa\n\nbb\nc\n", by_line=True)
    assert list(batches(records, 7, several=True)) == [[b"aaa", b"bb"], [b"c"]]
    assert list(batches(records, 5, several=True)) == [[b"aaa"], [b"bb", b"c"]]
    assert list(batches(records, 100, several=False)) == [[b"aaa"], [b"bb"], [b"c"]]
    with pytest.raises(JobFailedError, match="exceeds MaxPayloadInMB"):
        list(batches(records, 2, several=True))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": [1, 2, 3, 4], "b": {"c": 5}}),
        ("$.a", [1, 2, 3, 4]),
        ("$.b.c", 5),
        ("$['b']['c']", 5),
        ("$.a[0]", 1),
        ("$.a[-1]", 4),
        ("$.a[1:3]", [2, 3]),
        ("$.a[1:]", [2, 3, 4]),
        ("$.a[:-1]", [1, 2, 3]),
        ("$.a[0,2]", [1, 3]),
    ],
)
def test_filters_select(path: str, expected: Any) -> None:
    assert select({"a": [1, 2, 3, 4], "b": {"c": 5}}, path) == expected


@pytest.mark.parametrize("path", ["a", "$..a", "$.a[?(@.x)]", "$.missing", "$.a[9]"])
def test_filters_that_cannot_be_fail_the_job(path: str) -> None:
    with pytest.raises(JobFailedError, match="filter"):
        select({"a": [1]}, path)


@pytest.mark.parametrize(
    ("content_type", "record", "answer", "joined"),
    [
        ("text/csv", b'1,"a,b"', [0.5], b'1,"a,b",0.5'),
        ("application/json", b'{"x": 1}', {"p": 0.5}, b'{"x": 1, "SageMakerOutput": {"p": 0.5}}'),
        ("application/jsonlines", b"[1]", 0.5, b'{"SageMakerInput": [1], "SageMakerOutput": 0.5}'),
    ],
)
def test_answers_are_joined_as_their_format_allows(
    content_type: str, record: bytes, answer: Any, joined: bytes
) -> None:
    form = Records(content_type)
    assert form.write(form.join(form.read(record), answer)) == joined


def test_answers_are_put_together_by_line_or_as_they_are() -> None:
    assert assemble([b"a\n", b"b"], by_line=True) == b"a\nb\n"
    assert assemble([b"a", b"b"], by_line=False) == b"ab"
