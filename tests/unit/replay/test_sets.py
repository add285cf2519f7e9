"""The days on which a set's rows are asked for, delivered and known."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from replay.happenings import Deed, Happening, in_order
from replay.sets import MODELS, SETS
from trimtab.spec import load_spec_file


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_asked_about_before_it_is_dropped_and_known_after(name: str, tmp_path: Path) -> None:
    make, whole, few = SETS[name]
    replayed = make(tmp_path, few)
    days = {deed: [each.day for each in replayed.happenings if each.deed is deed] for deed in Deed}
    assert len(days[Deed.ASK]) == len(days[Deed.DROP]) == few <= whole
    assert all(asked < dropped for asked, dropped in zip(days[Deed.ASK], days[Deed.DROP], strict=True))
    assert days[Deed.DROP][-1] < days[Deed.TRUTH][-1] < days[Deed.MEASURE][-1]
    assert replayed.starts < replayed.happenings[0].moment


@pytest.mark.parametrize("name", SETS)
def test_the_replays_copy_of_a_model_is_a_valid_one(name: str, tmp_path: Path) -> None:
    make, _, few = SETS[name]
    spec = yaml.safe_load((MODELS / name / "model.yaml").read_text())
    make(tmp_path, few).change(spec)
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    assert load_spec_file(tmp_path / "model.yaml").monitoring.windows.hours == 744


def test_a_day_begins_with_measuring_and_ends_with_requests() -> None:
    day = date(2013, 4, 1)
    found = in_order([Happening(day, deed, "2013-03") for deed in (Deed.ASK, Deed.DROP, Deed.MEASURE)])
    assert [each.deed for each in found] == [Deed.MEASURE, Deed.DROP, Deed.ASK]
    assert found[0].moment == datetime(2013, 4, 1, 6, tzinfo=UTC)
