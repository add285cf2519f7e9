"""Groups of people in production: proven differences are found, thin groups and chance are not."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.monitoring.labelled import records, spec, without_truth
from trimtab.evaluation.bias import measure_bias
from trimtab.monitoring.bias import DECIDED, DESERVED, Bias, Finding, Tally, judge, pooled, tally
from trimtab.monitoring.records import LABEL, SCORE
from trimtab.spec import Spec


def lending(**bias: Any) -> Spec:
    """The model with other rules of the bias gate."""
    plain = spec()
    gates = plain.evaluation.gates
    rule = type(gates.bias).model_validate(gates.bias.model_dump() | bias)
    evaluation = plain.evaluation.model_copy(update={"gates": gates.model_copy(update={"bias": rule})})
    return plain.model_copy(update={"evaluation": evaluation})


def people(rows: int, seed: int, slighted: float = 0.0, *, share: float = 0.5) -> pa.Table:
    """Scores even over 0 to 1, those of sex 2 lower by ``slighted``; ``share`` of the rows are of sex 2."""
    random = np.random.default_rng(seed)
    table = records(rows, seed)
    sex = np.where(random.random(rows) < share, 2, 1)
    score = np.clip(random.random(rows) - slighted * (sex == 2), 0, 1)
    table = table.set_column(table.column_names.index(SCORE), SCORE, pa.array(score))
    return table.set_column(table.column_names.index("sex"), "sex", pa.array(sex))


def judged(table: pa.Table, model: Spec | None = None) -> Bias:
    model = model or lending()
    return judge(tally("w", table, 0.5, model), model)


def test_a_group_that_is_slighted_is_found_without_any_truth() -> None:
    table = without_truth(people(4000, 1, slighted=0.2), np.ones(4000, dtype=bool))
    found = judged(table)
    (finding,) = found.findings
    assert (finding.attribute, finding.group, finding.reference, finding.measure) == ("sex", "2", "1", "four_fifths")
    assert finding.value == pytest.approx(0.6, abs=0.05)
    assert found.excess(DECIDED) == pytest.approx(0.8 / finding.value)
    assert found.excess(DESERVED) is None
    assert finding.high < 0.8


def test_people_whose_answer_is_no_score_are_not_counted_as_refused() -> None:
    table = people(4000, 1)
    score = np.asarray(table.column(SCORE).to_numpy())
    lost = np.where((np.asarray(table.column("sex").to_numpy()) == 2) & (np.arange(4000) % 2 == 0), np.nan, score)
    found = judged(table.set_column(table.column_names.index(SCORE), SCORE, pa.array(lost)))
    assert found.findings == ()
    assert found.tally.counts["sex"]["2"]["selection_rate"][1] < 1100


def test_the_slighted_group_is_named_although_it_is_the_reference() -> None:
    found = judged(people(4000, 1, slighted=0.2, share=0.7))
    four_fifths = [each for each in found.findings if each.measure == "four_fifths"]
    assert [(each.group, each.reference) for each in four_fifths] == [("2", "1")]
    assert found.excess(DECIDED) == pytest.approx(0.8 / 0.6, abs=0.1)


def test_groups_that_are_treated_alike_ring_nothing() -> None:
    rang = sum(judged(people(600, seed)).excess(DECIDED) != 0 for seed in range(60))
    assert rang == 0


def test_a_difference_that_may_be_chance_rings_nothing() -> None:
    found = judged(people(260, 3, slighted=0.12))
    (pair,) = [each for each in found.attributes["sex"]["pairs"] if each["compared"] == "ratio"]
    assert pair["value"] < 0.8
    assert found.excess(DECIDED) == 0


def test_a_group_with_few_rows_is_named_and_not_judged() -> None:
    found = judged(people(3000, 1, slighted=0.4, share=0.03))
    assert found.attributes["sex"]["thin"] == ["2"]
    assert found.findings == ()
    assert found.excess(DECIDED) is None


def test_shares_among_those_who_deserved_it_are_compared_when_truth_has_come() -> None:
    table = people(6000, 1)
    random, sex = np.random.default_rng(2), table.column("sex").to_numpy()
    label = (random.random(6000) < 0.5).astype(int)
    missed = (sex == 2) & (label == 1) & (random.random(6000) < 0.5)
    score = np.where(missed, 0.1, table.column(SCORE).to_numpy())
    table = table.set_column(table.column_names.index(SCORE), SCORE, pa.array(score))
    table = table.set_column(table.column_names.index(LABEL), LABEL, pa.array(label))
    measures = {each.measure for each in judged(table, lending(four_fifths=None)).findings}
    assert measures == {"equal_opportunity"}
    assert not judged(without_truth(table, label >= 0), lending(four_fifths=None)).findings


def test_an_accepted_risk_is_told_and_rings_nothing() -> None:
    risk = {"attribute": "sex", "measure": "four_fifths", "reason": "Known since the model was made; see the card."}
    found = judged(people(4000, 1, slighted=0.2), lending(accepted_risks=(risk,)))
    assert found.findings[0].accepted.startswith("Known since")
    assert found.excess(DECIDED) == 0


def windows(seeds: Iterable[int], rows: int = 300) -> list[Tally]:
    return [tally(f"w{seed}", people(rows, seed, slighted=0.25), 0.5, lending()) for seed in seeds]


def test_small_windows_are_judged_together_newest_first() -> None:
    newest, *earlier = windows(range(20, 0, -1), rows=100)
    assert judge(newest, lending()).excess(DECIDED) is None
    found = pooled(newest, earlier, spec(bias={"pool_rows": 1000}))
    assert found.windows == tuple(f"w{seed}" for seed in range(11, 21))
    assert judge(found, lending()).excess(DECIDED) == pytest.approx(0.8 / 0.5, abs=0.4)
    assert len(pooled(newest, earlier, spec(bias={"pool_windows": 3})).windows) == 3


def test_counts_of_two_windows_are_those_of_their_rows() -> None:
    one, other = people(500, 1), people(700, 2)
    together = tally("w", pa.concat_tables([one, other]), 0.5, lending())
    added = tally("b", other, 0.5, lending()).added(tally("a", one, 0.5, lending()))
    assert added.counts == together.counts
    assert (added.rows, added.windows) == (1200, ("a", "b"))
    assert Tally.from_json(added.to_json()) == added


def test_production_measures_what_the_evaluation_measures() -> None:
    table, model = people(4000, 1, slighted=0.1), lending()
    mine = judged(table, model).attributes
    from trimtab.evaluation.bias import decisions

    rule = model.evaluation.gates.bias.model_dump()
    label = table.column(LABEL).to_numpy()
    made = decisions("binary", rule, label, (table.column(SCORE).to_numpy() >= 0.5).astype(int))
    theirs = measure_bias({"sex": {}}, rule, {"sex": table.column("sex").to_numpy()}, made)
    assert mine["sex"]["pairs"] == theirs["sex"]["pairs"]
    assert mine["sex"]["groups"] == theirs["sex"]["groups"]


def test_requests_without_the_attribute_say_so() -> None:
    table = people(500, 1)
    empty = table.set_column(table.column_names.index("sex"), "sex", pa.nulls(500, pa.int64()))
    for missing, why in ((table.drop_columns(["sex"]), "do not hold it"), (empty, "no request holds it")):
        found = judged(missing)
        assert why in found.attributes["sex"]["problem"]
        assert found.excess(DECIDED) is None


def test_numbers_need_to_be_told_which_are_favourable() -> None:
    model = lending().model_copy(update={"problem": "regression"})
    assert "favourable_above" in judged(people(500, 1), model).attributes["sex"]["problem"]
    told = lending(favourable_above=0.5).model_copy(update={"problem": "regression"})
    assert judged(people(4000, 1, slighted=0.2), told).excess(DECIDED) == pytest.approx(0.8 / 0.6, abs=0.1)


def test_a_model_without_protected_attributes_has_no_reading() -> None:
    plain = lending()
    columns = {name: column for name, column in plain.data.columns.items() if name != "sex"}
    model = plain.model_copy(update={"data": plain.data.model_copy(update={"columns": columns})})
    assert judged(people(500, 1), model).excess(DECIDED) is None


def test_a_proven_difference_rings_as_a_ratio_does() -> None:
    table = people(4000, 1)
    sex, score = (np.asarray(table.column(name).to_numpy()) for name in ("sex", SCORE))
    missed = (sex == 2) & (np.random.default_rng(2).random(4000) < 0.5)
    label = np.where(score >= 0.5, 1, np.where(missed, 1, 0))  # of sex 2, half of those that were refused deserved more
    table = table.set_column(table.column_names.index(LABEL), LABEL, pa.array(label))
    found = judged(table, lending(four_fifths=None, equal_opportunity=0.1))
    (finding,) = [each for each in found.findings if each.measure == "equal_opportunity"]
    assert found.excess(DECIDED) is None
    assert found.excess(DESERVED) == pytest.approx(abs(finding.value) / 0.1)
    assert (found.excess(DESERVED) or 0) > 2


def test_what_is_beyond_all_measure_stays_a_number_that_cloudwatch_takes() -> None:
    found = Finding("sex", "four_fifths", "2", "1", value=0.0, low=0.0, high=0.1, limit=0.8, accepted="")
    assert found.excess == 100.0
