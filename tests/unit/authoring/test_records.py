"""The serving contract: what is answered and what is refused, and with which words."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trimtab.authoring.contract import Contract, Feature
from trimtab.authoring.records import (
    RequestRefused,
    check_media_types,
    read_records,
    to_table,
    write_answers,
)

CONTRACT = Contract(
    "id",
    "at",
    "failed",
    (
        Feature("load", "number", nullable=False),
        Feature("age", "integer", nullable=True),
        Feature("site", "string", nullable=False),
        Feature("new", "boolean", nullable=True),
        Feature("since", "timestamp", nullable=True),
    ),
)
GOOD: dict[str, Any] = {"id": 7, "load": 1.5, "age": 3, "site": "north", "new": True, "since": "2026-01-01T00:00:00Z"}


def body(*records: Any) -> bytes:
    return "\n".join(json.dumps(record) for record in records).encode()


def test_records_are_read_from_bytes_and_from_text() -> None:
    assert read_records(body(GOOD, GOOD), CONTRACT) == read_records(body(GOOD, GOOD).decode(), CONTRACT) == [GOOD, GOOD]


def test_empty_lines_and_other_columns_do_no_harm() -> None:
    assert len(read_records(b"\n" + body(GOOD | {"extra": [1]}) + b"\r\n\n", CONTRACT)) == 1


def test_null_is_allowed_where_the_column_is_nullable() -> None:
    assert read_records(body(GOOD | {"age": None, "new": None, "since": None}), CONTRACT)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"load": "1.5"}, """line 1, 'load': expected number, found "1.5\""""),
        ({"load": None}, "line 1, 'load': expected number, found null"),
        ({"load": True}, "line 1, 'load': expected number, found true"),
        ({"age": 1.5}, "line 1, 'age': expected integer, found 1.5"),
        ({"age": 10**30}, "line 1, 'age': expected integer"),
        ({"site": 5}, "line 1, 'site': expected string, found 5"),
        ({"new": 1}, "line 1, 'new': expected boolean, found 1"),
        ({"since": "yesterday"}, "line 1, 'since': expected timestamp"),
        ({"id": None}, "line 1 has no 'id'"),
    ],
)
def test_a_wrong_value_is_refused_with_line_and_column(record: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_records(body(GOOD | record), CONTRACT)
    assert refused.value.message.startswith(message)
    assert refused.value.status == 400


@pytest.mark.parametrize("name", ["load", "age", "site"])
def test_a_missing_column_is_refused(name: str) -> None:
    short = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(RequestRefused, match=f"line 2 has no '{name}'"):
        read_records(body(GOOD, short), CONTRACT)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "holds no record"),
        (b"\n \n", "holds no record"),
        (b"{broken", "line 1 is not JSON"),
        (b'{"load": NaN}', "NaN is no JSON number"),
        (b"[1, 2]", "line 1 is list, not an object"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_a_body_that_is_no_record_is_refused(sent: bytes, message: str) -> None:
    with pytest.raises(RequestRefused, match=message):
        read_records(sent, CONTRACT)


@pytest.mark.parametrize("sent", [None, "application/jsonlines", "application/json; charset=utf-8"])
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html, application/jsonlines;q=0.5"])
def test_known_media_types_pass(sent: str | None, accept: str | None) -> None:
    check_media_types(sent, accept)


@pytest.mark.parametrize(("sent", "accept", "status"), [("text/csv", None, 415), (None, "text/csv", 406)])
def test_unknown_media_types_are_refused(sent: str | None, accept: str | None, status: int) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_media_types(sent, accept)
    assert refused.value.status == status


def test_answers_carry_id_score_and_who_answered() -> None:
    lines = write_answers([{"id": "a"}, {"id": "b"}], np.array([0.25, 0.5]), CONTRACT, version=3).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": "a", "score": 0.25, "version": 3},
        {"id": "b", "score": 0.5, "version": 3},
    ]


def test_answers_of_several_classes_carry_the_likeliest_and_the_probability_of_each() -> None:
    contract = replace(CONTRACT, problem="multiclass", classes=("calm", "wild", "odd"))
    (line,) = write_answers([{"id": 7}], np.array([[0.2, 0.7, 0.1]]), contract).splitlines()
    assert json.loads(line) == {"id": 7, "label": "wild", "scores": {"calm": 0.2, "wild": 0.7, "odd": 0.1}}


def test_a_request_becomes_the_table_that_training_saw() -> None:
    missing = GOOD | {"age": None, "new": None, "since": None}
    served = to_table([GOOD, missing], CONTRACT)
    trained = CONTRACT.conform(
        pd.DataFrame(
            {
                "since": pd.to_datetime(pd.Series(["2026-01-01", None]), utc=True),
                "site": ["north", "north"],
                "age": [3.0, None],
                "load": [1.5, 1.5],
                "new": [True, None],
                "id": [7, 7],
            }
        )
    )
    pd.testing.assert_frame_equal(served, trained)
    assert list(served.columns) == ["load", "age", "site", "new", "since"]
    assert [str(dtype) for dtype in served.dtypes] == ["float64", "float64", "object", "object", "datetime64[us]"]
