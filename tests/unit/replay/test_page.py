"""Where a run's figures go."""

from pathlib import Path

import pytest

from replay.page import PAGE, write
from replay.sets import SETS

MARKED = "before\n<!-- replay: income -->\nold\n<!-- end: income -->\nafter\n"


def test_a_section_replaces_the_one_of_its_set_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKED)
    write("income", "new", page)
    assert page.read_text() == MARKED.replace("old", "new")


def test_a_set_without_a_place_is_said_to_have_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKED)
    with pytest.raises(ValueError, match="has no place for traffic"):
        write("traffic", "new", page)


@pytest.mark.parametrize("name", SETS)
def test_the_page_has_a_place_for_every_set(name: str) -> None:
    assert f"<!-- replay: {name} -->" in PAGE.read_text()
