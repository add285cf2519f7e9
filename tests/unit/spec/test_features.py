"""The features section: what fits, and what is refused with the line that is wrong."""

import pytest

from trimtab.errors import SpecError
from trimtab.spec import parse_spec

BASE = """\
name: pumps
data:
  id: id
  event_time: at
  label: y
  columns:
    id: {type: integer}
    at: {type: timestamp}
    load: {type: number}
    site: {type: string}
    tag: {type: string, role: key}
    y: {type: integer}
training: {entry_point: train.py}
features:
  rules:
"""


def test_a_step_may_be_given_by_its_name_and_a_column_alone() -> None:
    spec = parse_spec(BASE + "    - {columns: load, steps: [log, {do: scale, by: robust}]}\n")
    assert spec.features is not None
    assert [step.do for step in spec.features.rules[0].steps] == ["log", "scale"]
    assert spec.features.rules[0].columns == ("load",)


def test_without_the_section_nothing_is_transformed() -> None:
    assert parse_spec(BASE.partition("features:")[0]).features is None


def test_the_event_time_may_be_read() -> None:
    spec = parse_spec(BASE + "    - {columns: at, steps: [{do: cyclic, parts: [hour]}]}\n")
    assert spec.features is not None
    assert spec.features.reads == {"at"}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{columns: site, steps: [scale]}", "features.rules.0.steps.0: scale is for numbers"),
        ("{columns: at, steps: [one_hot]}", "one_hot is for texts, numbers or booleans"),
        ("{columns: load, steps: [{do: cyclic, parts: [hour]}]}", "cyclic is for timestamps"),
        ("{columns: tag, steps: [one_hot]}", "'tag' is no feature"),
        ("{columns: y, steps: [scale]}", "'y' is no feature"),
        ("{columns: lod, steps: [scale]}", "'lod' is not under data.columns"),
        ("{columns: [site, at], steps: [one_hot]}", "types that no one transformation takes"),
        ("{columns: site, steps: [{do: impute, by: mean}]}", "a text has neither mean nor median"),
        ("{columns: load, steps: [{do: impute, by: constant, value: none}]}", "cannot be imputed by a text"),
        ("{columns: load, steps: [{do: impute, by: constant}]}", "by: constant needs a value"),
        ("{columns: load, steps: [{do: one_hot, min_shar: 1}]}", "did you mean 'min_share'?"),
        ("{columns: load, steps: [{do: clip}]}", "give low, high or both; or quantiles"),
        ("{columns: load, steps: [{do: clip, low: 3, high: 1}]}", "3 is above 1: swap them"),
        ("{columns: load, steps: [{do: bin, edges: [3, 1]}]}", "edges must ascend"),
        ("{columns: load, steps: [pass, scale]}", "pass stands alone"),
        ("{columns: load, steps: [log, {do: custom, name: f}]}", "custom comes first"),
        ("{columns: at, steps: [{do: date_parts, parts: [hour], zone: Mars/Base}]}", "'Mars/Base' is no time zone"),
        ("{columns: load, steps: [squash]}", "squash"),
        ("{columns: [load, load], steps: [log]}", "'load' is made by two rules: give one of them a suffix"),
    ],
)
def test_what_does_not_fit_is_refused_once_with_its_line(rule: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(f"{BASE}    - {rule}\n")
    assert message in str(refused.value)
    assert str(refused.value).startswith("model.yaml:16: ")
    assert len(str(refused.value).splitlines()) == 1


def test_a_column_may_stand_in_several_rules_that_make_other_names() -> None:
    rules = (
        "{columns: load, steps: [log]}",
        "{columns: load, suffix: _raw, steps: [pass]}",
        "{columns: load, steps: [one_hot]}",
    )
    assert parse_spec(BASE + "".join(f"    - {rule}\n" for rule in rules)).features


def stored(text: str = BASE) -> str:
    return text.replace("  rules:\n", "  store: true\n")


def test_a_store_may_be_asked_for_without_rules_but_one_of_both_it_must_be() -> None:
    assert parse_spec(stored()).stores
    assert not parse_spec(BASE.partition("features:")[0]).stores
    with pytest.raises(SpecError, match="give at least one rule, or store: true"):
        parse_spec(BASE.replace("  rules:\n", "  others: pass\n"))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("  event_time: at\n", "", "needs data.event_time"),
        ("    load: ", "    write_time: ", "has a feature 'write_time' of its own"),
        ("    load: ", "    _load: ", "'_load' cannot be stored"),
    ],
)
def test_columns_that_a_feature_store_cannot_keep_are_refused(before: str, after: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_spec(stored().replace(before, after))
