"""Charts are well-formed and show every value."""

from xml.etree import ElementTree

import pytest

from demo import charts


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag == "text"]


def test_a_heat_map_has_a_cell_for_every_pair_and_leaves_unknown_ones_empty() -> None:
    svg = charts.heat_map(["a<b", "c"], ["03", "04"], {("a<b", "03"): 0.05, ("a<b", "04"): 3.0, ("c", "03"): 0.2})
    cells = [e.get("class") for e in ElementTree.fromstring(svg).iter() if e.tag == "rect"]
    assert cells == ["c0", "c3", "c1", "none"]
    assert {"a<b", "c", "03", "04", "0.05", "3.00", "0.20"} <= set(texts(svg))


def test_a_step_chart_ends_where_the_rollout_ended() -> None:
    svg = charts.step_chart([(0.0, 0.0), (5.0, 0.2), (15.0, 1.0)], "version 2: Serving")
    line = next(e for e in ElementTree.fromstring(svg).iter() if e.tag == "polyline")
    heights = [float(point.split(",")[1]) for point in (line.get("points") or "").split()]
    assert heights[0] == max(heights)
    assert heights[-1] == min(heights)
    assert "15 s" in texts(svg)


@pytest.mark.parametrize("line", [[], [None, None], [0.7, None, 0.6]])
def test_a_line_chart_copes_with_missing_months(line: list[float | None]) -> None:
    columns = [f"{number:02d}" for number in range(len(line))]
    ElementTree.fromstring(charts.line_chart({"auc": line}, columns, "AUC"))
