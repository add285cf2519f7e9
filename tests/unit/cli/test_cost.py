"""`trimtab cost`: months side by side, and the page in docs is what it prints."""

import json
from pathlib import Path

import pytest

from cli.cost import assumptions, cost, file_of, rows
from trimtab.cost.month import month_of
from trimtab.errors import SpecError
from trimtab.spec import load_spec_file

ROOT = Path(__file__).parents[3]
FLIGHTS = ROOT / "models/flights/model.yaml"


def test_a_month_at_rest_and_one_with_a_million_requests_a_day_stand_side_by_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cost(str(FLIGHTS))
    printed = capsys.readouterr().out
    assert "  0 requests a day  1,000,000 requests a day" in printed
    assert "List prices of" in printed


def test_programs_get_the_months_that_they_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    cost(str(FLIGHTS), [5000], as_json=True)
    (month,) = json.loads(capsys.readouterr().out)
    assert (month["requests_per_day"], month["model"]) == (5000, "flights")


def test_an_assumption_is_changed_by_its_name() -> None:
    assert assumptions(["captured_bytes=2000", "model_ms=2.5"]).model_ms == 2.5
    for wrong in ("nothing=1", "model_ms", "model_ms=soon"):
        with pytest.raises(SpecError, match="captured_bytes"):
            assumptions([wrong])


def test_a_model_is_a_file_or_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert file_of("flights") == Path("models/flights/model.yaml")
    assert file_of(str(FLIGHTS)) == FLIGHTS
    with pytest.raises(SpecError, match="neither"):
        file_of("absent")


def test_the_page_about_costs_says_what_the_command_says() -> None:
    page = (ROOT / "docs/cost.md").read_text()
    spec = load_spec_file(FLIGHTS)
    for item, *amounts in rows([month_of(spec), month_of(spec, 1_000_000)]):
        assert f"| {item} | {' | '.join(amounts)} |" in page, item
    bare = month_of(spec, serves=False)
    assert f"**{bare.usd:.2f} USD**" in page
    without = spec.model_copy(update={"monitoring": spec.monitoring.model_copy(update={"dashboard": False})})
    thousand = month_of(without, serves=False)
    assert f"**{1000 * thousand.usd:,.0f} USD**" in page
    parts = {line.item: 1000 * line.usd for line in thousand.lines}
    watched = [parts.pop(item) for item in ("alarms", "composite alarms", "metrics of readings")]
    said = "alarms {:,.0f}, composite alarms {:,.0f}, metrics of a reading a day {:.0f}".format(*watched)
    assert f"{said}, all else {sum(parts.values()):.0f}" in page
    assert round(parts["schedules"], 2) == 0.03
