"""Requests that were captured twice are found among many, whatever their ids look like."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from trimtab.monitoring.once import digests, first_of_each

IDS = st.lists(st.text(max_size=40), max_size=30)


@given(IDS, IDS, IDS)
def test_what_is_first_is_what_a_set_says(found: list[str], seen: list[str], more: list[str]) -> None:
    known = {*seen, *more}
    expected = []
    for each in found:
        expected.append(each not in known)
        known.add(each)
    earlier = [digests(pa.array(ids, pa.string())) for ids in (seen, more)]
    assert first_of_each(digests(pa.array(found, pa.string())), earlier).tolist() == expected


def test_ids_that_differ_in_one_letter_have_digests_far_apart() -> None:
    ids = [f"{number:036d}" for number in range(100_000)]
    found = digests(pa.chunked_array([pa.array(ids[:7]), pa.array(ids[7:])]))
    assert all(len(np.unique(found[:, place])) == len(ids) for place in (0, 1))
    assert len(np.unique(found[:, 0] >> np.uint64(40))) > 90_000
    assert len(np.unique(found[:, 0] & np.uint64(0xFFFFFF))) > 90_000


def test_a_slice_of_an_array_has_the_digests_of_its_texts() -> None:
    ids = pa.array(["a", "bb", "ccc", "bb"])
    assert digests(ids.slice(1, 2)).tolist() == digests(pa.array(["bb", "ccc"])).tolist()
