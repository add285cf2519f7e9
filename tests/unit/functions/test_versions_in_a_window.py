"""What each version has answered in a window is measured by itself, whichever has answered more."""

import json

import numpy as np
import pytest

from tests.unit.monitoring.production import ROWS, Production, population, truth_of
from trimtab.contracts import Window
from trimtab.monitoring.parts import parts_of, whole_of
from trimtab.ports import Entry
from trimtab.reports.monitoring_seen import see
from trimtab.telemetry import Metric

FEWER = 1900


def both(production: Production) -> None:
    """Version 1 has answered most; version 2, which serves by now, has answered people of another kind."""
    production.serve(2)
    production.traffic(population(11), version=1)
    production.traffic(population(12, low=0.5, first=ROWS), version=2, count=FEWER)


def of(production: Production, kind: str) -> dict[str, Entry]:
    return {entry.subject: entry for entry in production.scene.ledger.entries(kind)}


def test_the_drift_of_the_version_that_serves_is_judged_although_another_answered_more(production: Production) -> None:
    both(production)
    found = production.run()
    name = found["window"]["id"]
    measured = of(production, "window.measured")
    assert {subject: entry.data["version"] for subject, entry in measured.items()} == {name: 1, f"{name}-v2": 2}
    assert [entry.data["window"]["rows"] for entry in measured.values()] == [ROWS, FEWER]
    assert measured[name].data["drifted"] == []
    assert measured[f"{name}-v2"].data["drifted"] == ["x"]
    assert production.points(Metric.PSI_MAX) == [measured[f"{name}-v2"].data["max_psi"]]
    report = json.loads(production.scene.objects.read(measured[f"{name}-v2"].data["report_uri"]))
    assert (report["window"]["id"], report["rows"]) == (f"{name}-v2", FEWER)


def test_performance_of_each_version_is_estimated_and_measured(production: Production) -> None:
    both(production)
    name = production.run()["window"]["id"]
    estimated = of(production, "performance.estimated")
    assert {subject: (entry.data["version"], entry.data["rows"]) for subject, entry in estimated.items()} == {
        name: (1, ROWS),
        f"{name}-v2": (2, FEWER),
    }
    old, new = population(11), population(12, low=0.5, first=ROWS)
    production.scene.later(days=14)
    production.truth(old, "old", truth_of(old))
    production.truth(new, "new", [*(1 - truth_of(new))[: FEWER // 2], *[None] * (ROWS - FEWER // 2)])
    found = {each["window"]: each for each in production.run()["quality"]}
    assert {window: each["version"] for window, each in found.items()} == {name: 1, f"{name}-v2": 2}
    assert {window: each["coverage"] for window, each in found.items()} == {name: 1.0, f"{name}-v2": 0.5}
    assert found[name]["auc"] > 0.8 > 0.3 > found[f"{name}-v2"]["auc"]
    assert production.points(Metric.QUALITY_DROP) == [pytest.approx(found[f"{name}-v2"]["reading"])]
    production.scene.later(days=1)
    assert production.run()["quality"] == []


def test_losses_of_both_versions_lie_once_beside_the_whole_window(production: Production) -> None:
    both(production)
    name = production.run()["window"]["id"]
    old, new = population(11), population(12, low=0.5, first=ROWS)
    production.truth(old, "old", truth_of(old))
    production.truth(new, "new", truth_of(new))
    production.scene.later(days=1)
    assert len(production.run()["quality"]) == 2
    written = [file.uri for file in production.scene.objects.list("s3://captures/tiny/windows/")]
    (uri,) = [each for each in written if each.endswith("/losses.json")]
    assert uri == f"s3://captures/tiny/windows/{name}/losses.json"
    losses = json.loads(production.scene.objects.read(uri))
    assert {version: len(rows) for version, rows in losses.items()} == {"1": ROWS, "2": FEWER}


def test_a_version_with_few_answers_is_measured_with_a_window_of_its_own_only(production: Production) -> None:
    production.traffic(population(11))
    production.traffic(population(12, first=ROWS), version=2, count=49)
    found = production.run()
    assert found["drift"]["others"] == []
    assert list(of(production, "window.measured")) == [found["window"]["id"]]


def test_a_window_of_two_versions_is_shown_as_two(production: Production) -> None:
    both(production)
    production.run()
    seen = see("tiny", production.scene.ledger.entries())
    assert [(window.version, window.drifted) for window in seen.windows] == [(1, []), (2, ["x"])]


def test_windows_of_two_versions_are_joined_in_portions_of_half_as_many(production: Production) -> None:
    first, second = population(11), population(12, first=ROWS)
    for part in np.array_split(np.arange(ROWS), 22):
        for rows, version in ((first, 1), (second, 2)):
            production.traffic({name: values[part] for name, values in rows.items()}, version, len(part))
        production.run()
        production.scene.later(hours=1)
    production.truth(first, "first", truth_of(first))
    production.truth(second, "second", truth_of(second))
    assert len(production.call("join_truth")["joined"]) == 20
    production.scene.later(hours=1)
    assert len(production.call("join_truth")["joined"]) == 2


def test_parts_have_their_window() -> None:
    moment = "2026-01-01T00:00:00+00:00"
    window = Window(id="20260101T000000Z-late-1", uri="u", rows=100, start=moment, end=moment, version=1)
    assert parts_of(window, 10) == [window]
    split = parts_of(window.model_copy(update={"versions": {"1": 60, "3": 20, "0": 15, "2": 5}}), 10)
    assert [(part.version, part.rows) for part in split] == [(1, 60), (3, 20)]
    assert {whole_of(part.id) for part in split} == {window.id}
