"""The page of a rollout says what was planned, what happened, on what evidence, and what to do now."""

import re
from html.parser import HTMLParser

import pytest

from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, function, measure_errors, moving
from trimtab.reports.figures import PAGE_BYTES
from trimtab.reports.rollout_report import RolloutStory, rollout_page
from trimtab.reports.time_charts import Line, Mark, time_chart
from trimtab.rollout.fleet_numbers import Did, Minute
from trimtab.rollout.judge.pairs import Pairs
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.progress import newest


@pytest.fixture
def scene() -> Scene:
    return Scene()


def written(scene: Scene, run: PromotionRun) -> str:
    """The page as close_promotion writes it."""
    module = function("close_promotion")
    kept = {"promotion": run.state["promotion"]}
    event = module.ClosePromotionEvent.model_validate(scene.event(run.execution, **kept))
    uri = module.report(event, scene.runtime, scene.measurements)
    assert uri == f"s3://artifacts/tiny/rollouts/{run.state['promotion']['tag']}/report.html"
    return scene.objects.read(uri).decode()


def rolled_back(scene: Scene) -> PromotionRun:
    run = moving(scene)
    measure_errors(scene, run.state["plan"], requests=200, errors=80, minutes=4)
    with pytest.raises(Exception, match="going back"):
        run.watch()
    scene.endpoints.roll_back(ENDPOINT, "alarm")
    run.watch()
    run.confirm()
    run.close("RolledBack")
    return run


def rows(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


class Balanced(HTMLParser):
    """Every tag that is opened is closed, in order."""

    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_rollback_is_told_with_cause_numbers_checks_and_the_next_command(scene: Scene) -> None:
    page = written(scene, rolled_back(scene))
    said = rows(page)
    assert "Version 2 was rolled back" in said
    assert "Went back because: the new fleet is worse" in said
    assert "What to type now: trimtab models gates tiny 2" in said
    assert "ann" in said.lower()
    assert "40.00 %" in said
    assert re.search(r"errors fail", said)
    assert "rollout.going_back" in said
    assert page.count("<svg") == 3
    Balanced().feed(page)


def test_a_first_version_has_a_page_without_a_comparison(scene: Scene) -> None:
    from tests.unit.functions.scene import serve_first_version

    said = rows(written(scene, serve_first_version(scene)))
    assert "Version 1 serves" in said
    assert "Both fleets were never compared" in said
    assert "trimtab served tiny" in said


def test_the_page_needs_no_network_and_takes_no_text_for_markup(scene: Scene) -> None:
    run = moving(scene)
    scene.ledger.append("rollout.going_back", run.execution, {"step": 0, "reasons": ["<b>no</b>"]}, scene.now, "x")
    page = written(scene, run)
    assert "<b>no</b>" not in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert not re.search(r"(src|href)=|https?://|<script", page)


def test_numbers_that_cannot_be_read_are_said_to_be_so(scene: Scene) -> None:
    run = moving(scene)
    scene.measurements.broken = "CloudWatch did not answer"
    assert "could not be read: CloudWatch did not answer" in rows(written(scene, run))


def test_a_rollout_of_two_days_still_makes_a_short_page(scene: Scene) -> None:
    rolled_back(scene)
    told = newest(scene.ledger.entries())
    assert told is not None
    plan = told.plan
    assert plan is not None
    many = [Minute(scene.later(minutes=1), Did(1000, 3, 20.25), Did(4000, 7, 19.75)) for _ in range(2880)]
    page = rollout_page(RolloutStory(told, many, None))
    assert len(page) < PAGE_BYTES
    assert b"2,880,000" not in page
    assert page.count(b'<td class="n">24,000</td>') == 2 * 120


def test_what_was_never_let_in_has_no_page(scene: Scene) -> None:
    module = function("close_promotion")
    event = module.ClosePromotionEvent.model_validate(scene.event("nobody"))
    assert module.report(event, scene.runtime, scene.measurements) is None


def test_a_chart_breaks_its_line_where_nothing_was_measured(scene: Scene) -> None:
    at = [scene.later(minutes=1) for _ in range(5)]
    chart = time_chart("t", [Line("new", list(zip(at, [1.0, 2.0, None, 3.0, 4.0], strict=True)))], [], " %")
    assert chart.count("<polyline") == 2
    lone = time_chart("t", [Line("new", [(at[0], 1.0)])], [Mark(at[1], "✗", "fail", "worse")])
    assert "<circle" in lone
    assert "<title>worse</title>" in lone
    assert time_chart("t", [Line("new", [(at[0], None)])]) == ""


def test_what_both_versions_answered_to_the_same_records_is_a_table_with_the_widest_difference_first(
    scene: Scene,
) -> None:
    rolled_back(scene)
    told = newest(scene.ledger.entries())
    assert told is not None
    pairs = Pairs.of({"near": (0.5, 0.5), "far": (0.9, 0.4)})
    page = rows(rollout_page(RolloutStory(told, [], Judgement("pass", "fine", (), None, pairs=pairs))).decode())
    assert "2 records, 1 of them with exactly the same score" in page
    assert page.index("far 0.9 0.4 0.5") < page.index("near 0.5 0.5 0")
