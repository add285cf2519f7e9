"""A mistake in model.yaml is told by line, with the nearest name that would have been right."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import SpecError
from trimtab.spec import parse_spec

MINIMAL = """\
name: tiny
data:
  id: row
  label: y
  columns:
    row: {type: integer}
    x: {type: number, range: [0, 1]}
    y: {type: integer}
training:
  entry_point: train.py
"""


def test_ten_lines_are_enough_and_everything_else_has_a_default() -> None:
    spec = parse_spec(MINIMAL)
    assert spec.data.features == ("x",)
    assert spec.rollout.strategy == "canary"
    assert spec.retraining.daily_budget == 4


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ("columns:", "colums:", "m.yaml:5: unknown key 'data.colums'; did you mean 'columns'?"),
        ("type: number", "type: numbr", "m.yaml:7: data.columns.x.type: Input should be"),
        ("  label: y", "  label: z", "m.yaml:2: data: label names the column 'z', which is not under columns"),
        ("[0, 1]", "[1, 0]", "m.yaml:7: data.columns.x: range starts at 1 and ends at 0: swap them"),
        ("  entry_point: train.py", "  seed: 1", "m.yaml:9: 'training.entry_point' is required"),
        ("name: tiny", "name: Tiny Model", "m.yaml:1: name: String should match pattern"),
        ("    y: {type: integer}", "    x: {type: integer}", "m.yaml:8: 'x' stands twice, first on line 7"),
        ("name: tiny", "name: [", "not valid YAML"),
        ("name: tiny", "name: \x00", "m.yaml: not valid YAML"),
        ("name: tiny", "name: 2026-13-45", "m.yaml: not valid YAML: month must be in 1..12"),
        ("name: tiny", "name: " + "[" * 5_000, "m.yaml: not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(wrong: str, right: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(MINIMAL.replace(wrong, right), "m.yaml")
    assert expected in str(caught.value)


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(MINIMAL.replace("type: number", "type: numbr").replace("name: tiny", "nam: tiny"), "m.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_a_list_is_not_a_spec() -> None:
    with pytest.raises(SpecError, match="expected a mapping"):
        parse_spec("- name: tiny")


def test_a_column_that_monitoring_names_must_exist() -> None:
    with pytest.raises(SpecError, match=r"m.yaml:11: monitoring.columns.0: .nope. is not under data.columns"):
        parse_spec(MINIMAL + "monitoring: {columns: [nope]}\n", "m.yaml")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("x: {statistic: ks, limit: 0.1}", "monitoring.drift.x: ks is for numbers, and 'x' is a category"),
        ("n: {statistic: new_level_share, limit: 0.1}", "new_level_share is for categories, and 'n' is a number"),
        ("y: {limit: 0.1}", "monitoring.drift.y: the drift of 'y' is not measured: it is no feature"),
        ("t: {limit: 0.1}", "monitoring.drift.t: 't' is a timestamp"),
    ],
)
def test_a_drift_rule_that_would_never_measure_anything_is_a_mistake(rule: str, expected: str) -> None:
    columns = "id: {type: string}, x: {type: string}, n: {type: number}, t: {type: timestamp}, y: {type: integer}"
    text = f"name: tiny\ndata: {{id: id, label: y, columns: {{{columns}}}}}\ntraining: {{entry_point: t.py}}\n"
    with pytest.raises(SpecError, match=re.escape(expected)):
        parse_spec(text + f"monitoring:\n  drift:\n    {rule}\n")


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.01, 0.99), st.sampled_from(["canary", "linear", "all_at_once", "rolling"]))
def test_canonical_json_reads_back_as_the_same_spec(window: int, holdout: float, strategy: str) -> None:
    text = MINIMAL + f"  window_days: {window}\n  holdout_share: {holdout}\nrollout: {{strategy: {strategy}}}\n"
    spec = parse_spec(text)
    assert parse_spec(spec.canonical_json()) == spec
    assert parse_spec(spec.canonical_json()).canonical_json() == spec.canonical_json()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "pattern: x",
            "m.yaml:7: data.columns.x.pattern: pattern is for columns of type string, and",
        ),
        ("domain: []", "m.yaml:7: data.columns.x.domain: Tuple should have at least 1 item"),
        ("references: Carriers!", "m.yaml:7: data.columns.x.references: String should match pattern"),
        ("warn: [rnge]", "m.yaml:7: data.columns.x.warn.0: Input should be"),
    ],
)
def test_a_rule_that_does_not_fit_its_column_names_the_line(rule: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(MINIMAL.replace("range: [0, 1]", rule), "m.yaml")
    assert expected in str(caught.value)


@pytest.mark.parametrize("pattern", ["(?=x)", "(a", r"(a)\1"])
def test_a_pattern_that_the_gate_could_not_use_is_refused_when_it_is_read(pattern: str) -> None:
    text = MINIMAL.replace("{type: number, range: [0, 1]}", f"{{type: string, pattern: '{pattern}'}}")
    with pytest.raises(SpecError, match=r"model\.yaml:7: data\.columns\.x\.pattern"):
        parse_spec(text)


def test_a_check_that_is_no_condition_names_its_line_and_the_nearest_column() -> None:
    text = MINIMAL.replace("  columns:", "  checks:\n    - {check: rwo > 3}\n  columns:")
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "m.yaml")
    assert "m.yaml:6: data.checks.0.check: no column is called 'rwo'; did you mean 'row'?" in str(caught.value)


@pytest.mark.parametrize("rule", ["quality: {freshness_hours: 3}", "event_window: {past_days: 3}"])
def test_rules_about_time_need_a_column_of_times(rule: str) -> None:
    with pytest.raises(SpecError, match=r"m\.yaml:\d+: data\.\S+: needs event_time"):
        parse_spec(MINIMAL.replace("  label: y\n", f"  label: y\n  {rule}\n"), "m.yaml")


def test_what_is_off_may_be_written_as_yaml_has_it() -> None:
    data = parse_spec(
        MINIMAL.replace("training:", "  quality: {personal_data: off, label_leakage: off}\ntraining:")
    ).data
    assert (data.quality.personal_data, data.quality.label_leakage) == ("off", "off")
