"""Requests that break the contract, one way at a time: each is refused as the caller's fault, and none hurts.

Three things may be expected of a request: *refused* (a 4xx that says why), *answered* (with the record's own score),
or *survived* (either of the two: the contract leaves it open, as it does with values out of range).
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.column_types import ColumnType
from trimtab.ports import Answer
from trimtab.rollout.staging.checks import JSON_LINES, Check, Probe, shown
from trimtab.rollout.staging.golden import Golden, compared, lines
from trimtab.spec import Column

MANY_BYTES = 1_000_000
"""Size of the largest body that is sent: far below the 4 MB that a serverless endpoint takes."""
_TRACE = b"Traceback (most recent call last)"
_WRONG: Mapping[ColumnType, tuple[Any, ...]] = {
    ColumnType.INTEGER: ("many", 1.5, [1], {"n": 1}),
    ColumnType.NUMBER: ("much", True, [1.0]),
    ColumnType.STRING: (7, ["a"]),
    ColumnType.BOOLEAN: ("yes", 1),
    ColumnType.TIMESTAMP: ("yesterday", 20130101, "2013-02-30T00:00:00"),
}
"""Values that are of another type."""
_EXTREME: Mapping[ColumnType, tuple[Any, ...]] = {
    ColumnType.INTEGER: (2**63 - 1, -(2**63), 10**400),
    ColumnType.NUMBER: (1.7e308, -1.7e308, 5e-324),
    ColumnType.STRING: ("", "x" * 100_000, "\u0000", "\ud83d\ude00 Ω", "'; DROP TABLE x; --"),
    ColumnType.BOOLEAN: (),
    ColumnType.TIMESTAMP: ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2016-12-31T23:59:59+14:00"),
}
"""Values of the right type at the edge of what there is."""
Expected = Literal["refused", "answered", "survived"]


@dataclass(frozen=True)
class Case:
    """One request and what is expected of its answer."""

    name: str
    body: bytes
    expected: Expected
    content_type: str = JSON_LINES
    same: Sequence[Golden] = ()
    """Records whose own scores an answer must hold."""


def check_contract(probe: Probe, golden: Golden, columns: Mapping[str, Column], features: Sequence[str]) -> list[Check]:
    """One check for each case, in order."""
    made = (*_of_columns(golden, columns, features), *_of_bodies(golden))
    return [check_case(probe, case) for case in made]


def check_case(probe: Probe, case: Case) -> Check:
    """Passed when the answer is as expected."""
    answer = probe.ask(case.body, case.content_type)
    wrong = _wrong(case, answer)
    return Check(case.name, not wrong, wrong or f"answered with {shown(answer)}", {"http_status": answer.status})


def _wrong(case: Case, answer: Answer) -> str:
    refused = 400 <= answer.status < 500 and answer.status != 429
    if refused and case.expected != "answered":
        return _unclear(answer)
    if answer.status == 200 and case.expected != "refused":
        return compared(answer, case.same)[0] if case.same else ""
    return f"answered with {shown(answer)}; expected to be {case.expected}"


def _unclear(answer: Answer) -> str:
    """A refusal tells the caller what to mend, and nothing of the code inside."""
    if not answer.body.strip():
        return f"refused with HTTP {answer.status} and no word of why"
    return f"refused with a traceback: {shown(answer)}" if _TRACE in answer.body else ""


def _of_columns(golden: Golden, columns: Mapping[str, Column], features: Sequence[str]) -> Iterator[Case]:
    for name in features:
        kind = columns[name].type
        without = {key: value for key, value in golden.record.items() if key != name}
        yield Case(f"missing:{name}", lines([without]), "refused")
        yield _with(golden, f"null:{name}", {name: None}, "survived" if columns[name].nullable else "refused")
        for number, value in enumerate(_WRONG[kind]):
            yield _with(golden, f"type:{name}:{number}", {name: value}, "refused")
        for number, value in enumerate(_EXTREME[kind]):
            yield _with(golden, f"extreme:{name}:{number}", {name: value}, "survived")


def _with(golden: Golden, name: str, change: dict[str, Any], expected: Expected) -> Case:
    return Case(name, lines([golden.record | change]), expected)


def _of_bodies(golden: Golden) -> Iterator[Case]:
    record = lines([golden.record])
    for name, body in _broken(record).items():
        yield Case(f"broken:{name}", body, "refused")
    for content_type in ("image/png", "text/csv", "application/x-npy"):
        yield Case(f"content type:{content_type}", record, "refused", content_type)
    extra = golden.record | {"no column of the contract": [1, {"a": None}]}
    yield Case("extra:column", lines([extra]), "answered", same=[golden])
    yield Case("extra:blank lines", b"\n" + record + b"\n\n", "answered", same=[golden])
    count = max(1, MANY_BYTES // len(record))
    yield Case(f"many:{count} records", record * count, "survived", same=[golden] * count)
    yield Case("broken:one of many", record * 10 + b"{broken\n" + record * 10, "refused")


def _broken(record: bytes) -> dict[str, bytes]:
    first = record.strip()
    return {
        "no record": b"",
        "only blanks": b" \n\t\n",
        "not JSON": b"{broken\n",
        "cut short": first[: len(first) // 2],
        "not UTF-8": b'{"id": "\xff\xfe"}\n',
        "compressed": gzip.compress(record, mtime=0),
        "an array instead of an object": b"[1, 2, 3]\n",
        "a word instead of an object": b'"record"\n',
        "an empty object": b"{}\n",
        "no JSON number": json.dumps({"id": float("nan")}).encode(),
        "deeply nested": b"[" * 100_000 + b"]" * 100_000,
        "a deep object": b'{"id":' * 50_000 + b"1" + b"}" * 50_000,
    }
