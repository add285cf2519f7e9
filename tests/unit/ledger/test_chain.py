"""A chain shows every change made to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.ledger import canonical_json, next_entry, verify_chain
from trimtab.ports import Entry

START = datetime(2026, 1, 1, tzinfo=UTC)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def chain(payloads: list[dict[str, object]]) -> list[Entry]:
    entries: list[Entry] = []
    for number, data in enumerate(payloads):
        head = (entries[-1].seq, entries[-1].hash) if entries else None
        entries.append(next_entry("tiny", head, "drop.accepted", "s", data, START + timedelta(seconds=number), "me"))
    return entries


@given(st.lists(st.dictionaries(st.text(), values), max_size=6))
def test_a_chain_as_written_is_whole(payloads: list[dict[str, object]]) -> None:
    assert verify_chain(chain(payloads)) is None


@pytest.mark.parametrize("position", [0, 2, 4])
def test_an_edited_entry_is_found(position: int) -> None:
    entries = chain([{"n": n} for n in range(5)])
    entries[position] = replace(entries[position], data={"n": 99})
    assert verify_chain(entries) == f"entry {position + 1} was altered"


def test_a_removed_entry_is_found() -> None:
    entries = chain([{"n": n} for n in range(5)])
    assert verify_chain(entries[:2] + entries[3:]) == "entry 3 is missing"


def test_a_rewritten_tail_does_not_follow_its_head() -> None:
    ours, theirs = chain([{"n": n} for n in range(5)]), chain([{"n": -n} for n in range(5)])
    assert verify_chain(ours[:2] + theirs[2:]) == "entry 3 does not follow entry 2"


def test_nan_cannot_be_recorded() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"psi": float("nan")})
