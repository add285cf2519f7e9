"""The compiled kernel against NumPy's, bit for bit; and what happens when there is none, or a damaged one."""

import json
import platform
import sysconfig
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.data.real_data import DATA_SETS
from tests.unit.data.samples import csv, parquet
from trimtab.data.hashing import text_fingerprints
from trimtab.data.kernel import Kernel, choice
from trimtab.data.kernel.arrays import ArrayKernel
from trimtab.data.kernel.choice import FOLDER, found, library_name
from trimtab.data.kernel.compiled import CompiledKernel, DamagedLibraryError
from trimtab.data.profile import profile_table
from trimtab.data.validate import validate
from trimtab.spec import Column

LIBRARY = Path(sysconfig.get_path("platlib"), FOLDER, library_name())
EDGES = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.0, -1.0, 1e150, -1e150, 0.1, 1 / 3]
NUMPY = ArrayKernel()


COMPILED = CompiledKernel(LIBRARY)
KERNELS: tuple[Kernel, Kernel] = (NUMPY, COMPILED)
finite = st.floats(-1e150, 1e150) | st.sampled_from(EDGES)
finite_arrays = hnp.arrays(np.float64, st.integers(1, 700), elements=finite)
any_arrays = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(width=64) | st.sampled_from(EDGES))


def bits(array: npt.NDArray[Any] | float) -> list[int]:
    """The very bits, so that -0.0 is not 0.0 and a NaN is equal to itself."""
    found: list[int] = np.atleast_1d(np.asarray(array, np.float64)).view(np.uint64).tolist()
    return found


def test_the_library_of_this_machine_is_installed_by_make_setup() -> None:
    assert found([str(LIBRARY.parent.parent)]).name == "compiled"


@given(any_arrays)
def test_extremes_are_the_same_with_nan_infinities_denormals_and_signed_zeros(values: npt.NDArray[Any]) -> None:
    expected, actual = NUMPY.extremes(values), COMPILED.extremes(values)
    assert np.isnan(expected).tolist() == np.isnan(actual).tolist()
    if not np.isnan(expected[0]):
        assert [bits(value) for value in expected] == [bits(value) for value in actual]


@given(finite_arrays)
def test_means_and_spreads_are_the_same_to_the_last_bit(values: npt.NDArray[Any]) -> None:
    expected, actual = NUMPY.mean_and_spread(values), COMPILED.mean_and_spread(values)
    assert [bits(value) for value in expected] == [bits(value) for value in actual]


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 65_536, 100_003])
def test_sums_of_any_length_go_in_the_same_order(rows: int) -> None:
    values = np.random.default_rng(rows).lognormal(3, 4, rows)
    assert NUMPY.mean_and_spread(values) == COMPILED.mean_and_spread(values)
    assert NUMPY.mean_and_spread(values)[0] == pytest.approx(values.mean(), rel=1e-12)
    assert NUMPY.mean_and_spread(values)[1] == pytest.approx(((values - values.mean()) ** 2).sum(), rel=1e-9)


@given(st.data())
def test_presence_is_read_from_any_bit_on(data: st.DataObject) -> None:
    first, rows = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 300))
    anything = st.just(255) | st.integers(0, 255)
    presence = data.draw(hnp.arrays(np.uint8, (first + rows + 7) // 8 + 1, elements=anything))
    values = np.arange(rows, dtype=np.int64)
    expected = [row for row in range(rows) if presence[(first + row) // 8] >> ((first + row) % 8) & 1]
    assert NUMPY.gather(values, presence, first).tolist() == expected
    assert COMPILED.gather(values, presence, first).tolist() == expected


@given(hnp.arrays(np.uint64, st.integers(0, 500)), st.booleans())
def test_registers_of_distinct_values_are_the_same(hashes: npt.NDArray[Any], rare: bool) -> None:
    if rare:
        hashes = hashes >> np.uint64(40)  # one register, ranks of all sizes, a rest of zero
    registers = [np.zeros(1 << 14, np.uint8) for _ in range(2)]
    for held, kernel in zip(registers, KERNELS, strict=True):
        kernel.add_hashes(held, hashes)
        kernel.add_hashes(held, hashes ^ np.uint64(1))
    assert registers[0].tolist() == registers[1].tolist()


@given(finite_arrays, st.integers(30, 52), st.integers(1, 4_000))
def test_cells_and_what_lies_outside_them_are_the_same(values: npt.NDArray[Any], shift: int, width: int) -> None:
    lowest = max((int(np.abs(values).max().view(np.int64)) >> shift) - width // 2, 1)
    outcomes = []
    for kernel in KERNELS:
        counts, registers = np.zeros(2 * width, np.int64), np.zeros(1 << 14, np.uint8)
        outside = kernel.add_cells(counts, registers, shift, lowest, values)
        assert counts.sum() + len(outside) == len(values)
        outcomes.append((counts.tolist(), registers.tolist(), bits(outside)))
    assert outcomes[0] == outcomes[1]


@given(hnp.arrays(np.int64, st.integers(0, 300), elements=st.integers(-50, 50)))
def test_integers_are_counted_by_place(values: npt.NDArray[Any]) -> None:
    counts = [np.ones(101, np.int64) for _ in range(2)]
    for held, kernel in zip(counts, KERNELS, strict=True):
        kernel.add_places(held, values, -50)
    assert counts[0].tolist() == counts[1].tolist() == [1 + (values == value).sum() for value in range(-50, 51)]


@given(st.data())
def test_codes_are_counted_where_there_is_a_row_and_those_of_no_level_are_told(data: st.DataObject) -> None:
    first, levels = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 9))
    codes = data.draw(hnp.arrays(np.int32, st.integers(0, 200), elements=st.integers(-3, 12) | st.just(-(2**31))))
    presence = data.draw(st.none() | hnp.arrays(np.uint8, (first + len(codes) + 7) // 8 + 1))
    held = [
        int(code)
        for row, code in enumerate(codes)
        if presence is None or presence[(first + row) // 8] >> ((first + row) % 8) & 1
    ]
    for kernel in KERNELS:
        counts = np.ones(levels, np.int64)
        foreign = kernel.add_codes(counts, codes, presence, first)
        assert counts.tolist() == [1 + held.count(level) for level in range(levels)]
        assert foreign == sum(not 0 <= code < levels for code in held)


@given(hnp.arrays(np.float64, st.integers(1, 300), elements=st.floats(-9, 9, width=16) | st.sampled_from(EDGES)))
def test_few_different_numbers_are_counted_in_their_order(values: npt.NDArray[Any]) -> None:
    expected = np.unique(values + 0.0, return_counts=True)
    for kernel in KERNELS:
        found = kernel.count_few(values)
        assert found is not None
        assert [bits(part) for part in found] == [bits(part) for part in expected]


@pytest.mark.parametrize("different", [2_048, 2_049])
def test_more_than_a_few_different_numbers_are_left_to_others(different: int) -> None:
    values = np.random.default_rng(1).permutation(np.tile(np.linspace(-1, 1, different), 3))
    for kernel in KERNELS:
        found = kernel.count_few(values)
        assert (found is None) == (different > 2_048)
        assert found is None or found[1].tolist() == [3] * different


@given(st.data())
def test_bytes_outside_their_runs_are_found_wherever_they_stand(data: st.DataObject) -> None:
    period = data.draw(st.integers(1, 20))
    lowest, above = (data.draw(hnp.arrays(np.uint8, period)) for _ in range(2))
    body = data.draw(hnp.arrays(np.uint8, st.integers(0, 100)))
    if data.draw(st.booleans()):
        body = np.resize(lowest, len(body)) + np.minimum(body, np.resize(above, len(body)))
    expected = all((int(byte) - int(lowest[i % period])) % 256 <= above[i % period] for i, byte in enumerate(body))
    assert [kernel.is_within(body, lowest, above) for kernel in KERNELS] == [expected, expected]


texts = st.lists(st.text(max_size=40) | st.sampled_from(["", "a" * 8, "a" * 512, "a" * 513, "é" * 300, "\0", "\0\0"]))


@given(texts, st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_hashes_of_texts_are_the_same_in_slices_and_in_both_widths(
    values: list[str], skipped: int, held: pa.DataType
) -> None:
    column = pa.array([*("x" * place for place in range(skipped)), *values], held).slice(skipped)
    expected, actual = _with(NUMPY, column), _with(COMPILED, column)
    assert expected == actual
    assert _with(COMPILED, pa.array(values, pa.string())) == actual
    assert len(set(zip(*actual, strict=True))) == len(set(values))


def _with(kernel: Any, column: pa.Array) -> list[list[int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "_chosen", kernel)
        return [hashes.tolist() for hashes in text_fingerprints(column)]


@given(hnp.arrays(np.uint64, st.integers(0, 300), elements=st.integers(0, 200) | st.integers(0, 2**64 - 1)))
def test_every_repeated_key_is_named_by_both(keys: npt.NDArray[Any]) -> None:
    values, counts = np.unique(keys, return_counts=True)
    repeated = set(np.flatnonzero(np.isin(keys, values[counts > 1])).tolist())
    for kernel in KERNELS:
        places = kernel.perhaps_repeated(keys).tolist()
        assert repeated <= set(places)
        assert places == sorted(places)


@pytest.mark.parametrize("rows", [5_000, 300_000])
def test_few_keys_are_suspected_that_do_not_repeat(rows: int) -> None:
    keys = np.random.default_rng(0).permutation(rows).astype(np.uint64)
    keys[7], keys[-1] = keys[1_000], keys[2_000]
    assert COMPILED.perhaps_repeated(keys).tolist() == [7, 1_000, 2_000, rows - 1]
    assert len(NUMPY.perhaps_repeated(keys)) < rows / 50
    assert COMPILED.perhaps_repeated(np.unique(keys)).tolist() == []


def _unspread(hashes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The words whose hashes these are: every step of the hash can be undone."""
    words = hashes * np.uint64(pow(0x94D049BB133111EB, -1, 2**64))
    words = words ^ (words >> np.uint64(29)) ^ (words >> np.uint64(58))
    words = words * np.uint64(pow(0xBF58476D1CE4E5B9, -1, 2**64))
    return np.asarray(words ^ (words >> np.uint64(32)))


def test_keys_made_to_collide_are_found_in_time_that_grows_with_their_number() -> None:
    hostile = _unspread(np.arange(200_000, dtype=np.uint64))  # all in the first bucket
    hostile[-1] = hostile[0]
    assert {0, len(hostile) - 1} <= set(COMPILED.perhaps_repeated(hostile).tolist())
    slots = _unspread(np.arange(2_000, dtype=np.uint64) * np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64)))
    slots[-1] = slots[0]  # all in one run of slots
    assert {0, len(slots) - 1} <= set(COMPILED.perhaps_repeated(slots).tolist())


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 40_000), st.integers(0, 9))
def test_profiles_of_random_tables_are_the_same_byte_for_byte(seed: int, rows: int, skipped: int) -> None:
    table = _table(np.random.default_rng(seed), rows + skipped).slice(skipped)
    columns = {name: Column(type=held) for name, held in _TYPES.items()}
    assert _profile(NUMPY, table, columns) == _profile(COMPILED, table, columns)


_TYPES = {
    "wide": "number",
    "few": "number",
    "signed": "number",
    "small": "integer",
    "large": "integer",
    "text": "string",
}


def _table(random: np.random.Generator, rows: int) -> pa.RecordBatch:
    missing = random.random(rows) < 0.1
    strange = random.choice([*EDGES, np.inf, -np.inf, np.nan], rows)
    codes = pa.array(random.integers(0, 50, rows), pa.int32(), mask=missing)
    return pa.record_batch(
        {
            "wide": pa.array(random.lognormal(0, 6, rows), mask=missing),
            "few": pa.array(random.choice([0.25, -0.0, 1e9], rows)),
            "signed": pa.array(np.where(random.random(rows) < 0.02, strange, random.normal(0, 1, rows)), mask=missing),
            "small": pa.array(random.integers(-300, 300, rows), mask=missing),
            "large": pa.array(random.integers(-(2**62), 2**62, rows)),
            "text": pa.DictionaryArray.from_arrays(codes, [f"level {place}" for place in range(50)]),
        }
    )


def _profile(kernel: Any, table: pa.RecordBatch, columns: Any) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "_chosen", kernel)
        parts = [table.slice(0, len(table) // 3), table.slice(len(table) // 3)]
        return profile_table(pa.Table.from_batches(parts), columns, "large").dumps()


@pytest.mark.parametrize("name", DATA_SETS)
def test_judgement_profile_and_drift_of_real_data_are_the_same_byte_for_byte(name: str) -> None:
    windows = DATA_SETS[name]()
    before, after = (
        pa.Table.from_pandas(frame, preserve_index=False) for frame in (windows.reference, windows.current)
    )
    outcomes = []
    for kernel in KERNELS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choice, "_chosen", kernel)
            learned = validate(parquet(before), "parquet", windows.spec).profile
            report = validate(csv(after), "csv", windows.spec, learned)
        assert learned is not None
        assert report.profile is not None
        outcomes.append((learned.dumps(), report.profile.dumps(), json.dumps(report.to_json())))
    assert outcomes[0] == outcomes[1]


def test_without_a_library_the_gate_uses_numpy_and_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found([str(tmp_path)]).name == "numpy"


@pytest.mark.parametrize("damage", ["cut off", "one bit", "empty", "text"])
def test_a_damaged_library_is_never_called_and_the_warning_says_what_to_do(tmp_path: Path, damage: str) -> None:
    body = LIBRARY.read_bytes()
    flipped = bytearray(body)
    flipped[len(body) // 2] ^= 1
    spoilt = {"cut off": body[: len(body) // 2], "one bit": bytes(flipped), "empty": b"", "text": b"not a library"}
    _put(tmp_path, spoilt[damage])
    with pytest.warns(RuntimeWarning, match="is damaged: its checksum.*make setup"):
        assert found([str(tmp_path)]).name == "numpy"


def test_a_library_of_another_processor_or_version_is_not_used(tmp_path: Path) -> None:
    from stacks.kernel import with_checksum

    _put(tmp_path, with_checksum(b"\x7fELF of another processor"))
    with pytest.warns(RuntimeWarning, match="is damaged: .*invalid ELF header|file too short"):
        assert found([str(tmp_path)]).name == "numpy"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trimtab.data.kernel.compiled.VERSION", 0)
        with pytest.raises(DamagedLibraryError, match="version 3 and version 0 is needed"):
            CompiledKernel(LIBRARY)


def _put(folder: Path, body: bytes) -> None:
    target = folder / FOLDER / library_name()
    target.parent.mkdir()
    target.write_bytes(body)


def test_the_name_of_a_library_tells_systems_and_processors_apart() -> None:
    assert library_name() == f"columns-{platform.system().lower()}-{platform.machine()}.so"
