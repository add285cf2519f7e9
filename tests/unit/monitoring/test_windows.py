"""The bookkeeping of windows: which files come next, and which are remembered."""

from tests.fakes import NOON
from trimtab.monitoring.windows import Watermark, next_files
from trimtab.ports import ObjectInfo


def test_a_backlog_is_read_oldest_first_in_portions() -> None:
    files = [ObjectInfo(f"s3://c/m/2026/01/01/{hour:02d}/a.jsonl", 10, NOON) for hour in (3, 1, 2)]
    assert [file.uri[-10:-8] for file in next_files(files, set(), max_bytes=25)] == ["01", "02"]
    assert len(next_files(files, set(), max_bytes=5)) == 1
    assert next_files(files, {file.uri for file in files}) == []


def test_the_watermark_forgets_windows_that_no_late_file_can_belong_to() -> None:
    mark = Watermark().advanced("w1", ["2026/01/01/05"]).advanced("w2", ["2026/01/02/04"])
    assert set(mark.windows) == {"w1", "w2"}
    moved = mark.advanced("w3", ["2026/01/02/06"])
    assert moved.hour == "2026/01/02/06"
    assert set(moved.windows) == {"w2", "w3"}
    assert Watermark.of(moved.to_json()) == moved
