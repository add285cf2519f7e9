"""Arrow's functions as the gate calls them are those of pyarrow.compute."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from trimtab.data import arrow_functions as af

TEXTS = pa.array(["ab", None, "b", "AB", "a.b"])
NUMBERS = pa.array([3, None, 1, 2])


@pytest.mark.parametrize("name", ["invert", "is_null", "is_valid", "utf8_length", "max", "min_max", "unique", "abs"])
def test_a_function_without_options_is_found_by_its_name(name: str) -> None:
    argument = {"utf8_length": TEXTS, "invert": pa.array([True, None])}.get(name, NUMBERS)
    assert getattr(af, name)(argument).equals(getattr(pc, name)(argument))


def test_functions_with_options_do_what_those_of_the_same_name_do() -> None:
    for pattern in ("b", "^a", "a.b"):
        assert af.match_substring(TEXTS, pattern).equals(pc.match_substring(TEXTS, pattern))
        assert af.match_substring_regex(TEXTS, pattern).equals(pc.match_substring_regex(TEXTS, pattern))
        assert af.starts_with(TEXTS, pattern).equals(pc.starts_with(TEXTS, pattern))
        assert af.ends_with(TEXTS, pattern).equals(pc.ends_with(TEXTS, pattern))
        assert af.replace_substring(TEXTS, pattern, "-").equals(pc.replace_substring(TEXTS, pattern, "-"))
    assert af.match_substring(TEXTS, "A", ignore_case=True).equals(pc.match_substring(TEXTS, "A", ignore_case=True))
    known = pa.array([1, None])
    assert af.is_in(NUMBERS, value_set=known).equals(pc.is_in(NUMBERS, value_set=known))
    assert af.sort_indices(NUMBERS).equals(pc.sort_indices(NUMBERS))
    mask = pa.array([True, None, False, True])
    assert af.filter(NUMBERS, mask).equals(pc.filter(NUMBERS, mask))


def test_casts_change_no_value_unless_told_to() -> None:
    halves = pa.array([1.5, None])
    with pytest.raises(pa.ArrowInvalid):
        af.cast(halves, pa.int64())
    assert af.cast(halves, pa.int64(), safe=False).equals(halves.cast(pa.int64(), safe=False))


def test_any_of_no_true_values_is_false() -> None:
    assert [af.any_true(pa.array(values, pa.bool_())) for values in ([], [None], [False], [None, True])] == [
        False,
        False,
        False,
        True,
    ]


def test_a_dictionary_is_decoded_with_missing_codes_and_missing_levels() -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0, None, 1, 2]), pa.array(["x", None, "y"]))
    assert af.decoded(coded).to_pylist() == ["x", None, None, "y"]
    assert af.decoded(TEXTS) is TEXTS


def test_a_function_that_arrow_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Arrow has no function 'no_such_function'"):
        _ = af.no_such_function
