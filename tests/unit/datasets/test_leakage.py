"""Rows and columns that would tell a model what it is asked."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from tests.fixtures import tiny
from tests.unit.datasets.test_build import ALL, TABLES, read, spec_with, with_column
from trimtab.datasets.build import Built, build
from trimtab.datasets.leakage import overlap_shares, row_hashes
from trimtab.datasets.signals import auc, tells_classes, tells_number
from trimtab.datasets.sources import Source
from trimtab.datasets.split import Split
from trimtab.spec import DatasetsSpec, LeakageRule, Spec

RANDOM = np.random.default_rng(5)
ROWS = 2000
LABEL = RANDOM.random(ROWS) < 0.3
NOISE = RANDOM.normal(size=ROWS)


def halves(values: Any) -> tuple[pa.Array, pa.Array]:
    column = pa.array(values, from_pandas=True)
    return column.slice(0, ROWS // 2), column.slice(ROWS // 2)


def tells(values: Any, label: Any = LABEL) -> float | None:
    known, asked = np.asarray(label)[: ROWS // 2], np.asarray(label)[ROWS // 2 :]
    return tells_classes(*halves(values), known, asked)


def test_the_area_under_the_curve_is_scikit_learn_s() -> None:
    score = np.round(NOISE + LABEL, 1)
    assert auc(LABEL, score) == pytest.approx(roc_auc_score(LABEL, score))


def test_noise_tells_nothing_and_the_label_everything() -> None:
    assert tells(NOISE) == pytest.approx(0.5, abs=0.06)
    assert tells(LABEL.astype(int)) == 1.0
    assert tells(np.where(LABEL, "yes", "no")) == 1.0
    assert tells(-5.0 * LABEL + NOISE * 1e-3) == 1.0


def test_a_label_hidden_in_what_is_missing_is_found() -> None:
    assert tells(np.where(LABEL, np.nan, NOISE)) == 1.0
    assert tells([None if each else "there" for each in LABEL]) == 1.0


def test_a_label_at_both_ends_of_a_number_is_found() -> None:
    """No order of the values tells it, their ranges do."""
    assert (tells(np.where(LABEL, np.sign(NOISE) * (3 + abs(NOISE)), np.clip(NOISE, -1, 1))) or 0) > 0.99


def test_an_identifier_knows_nothing_of_rows_that_come_later() -> None:
    """Learned by heart on the training rows, it would tell them all."""
    assert tells([f"row {row}" for row in range(ROWS)]) == 0.5


def test_one_of_three_classes_that_a_column_tells_is_not_the_label() -> None:
    classes = RANDOM.integers(0, 3, ROWS)
    assert tells(classes, classes) == 1.0
    assert (tells(classes == 2, classes) or 1) < 0.9


def test_a_class_of_too_few_rows_says_nothing() -> None:
    assert tells(NOISE, np.arange(ROWS) == ROWS - 1) is None


def test_a_number_is_told_by_what_follows_its_order() -> None:
    target = NOISE * 10
    for values in (target, np.exp(NOISE), 3 - target):
        found = tells_number(*halves(values), target[: ROWS // 2], target[ROWS // 2 :])
        assert found is not None
        assert found > 0.999999
    noisy = target + RANDOM.normal(0, 10, ROWS)
    found = tells_number(*halves(noisy), target[: ROWS // 2], target[ROWS // 2 :])
    assert found == pytest.approx(spearmanr(noisy, target).statistic ** 2, abs=0.1)


def test_rows_are_equal_when_every_column_is() -> None:
    table = pa.table({"n": [1.0, -0.0, 0.0, None], "t": ["a", "b", "b", None], "i": [1, 2, 2, 3]})
    hashes = row_hashes(table, ["n", "t", "i"])
    assert hashes[1] == hashes[2]
    assert len(set(hashes.tolist())) == 3
    assert (row_hashes(table, ["t", "n"]) != row_hashes(table, ["n", "t"])).any()


def test_equal_rows_of_both_sides_are_counted_and_set_against_those_to_be_expected() -> None:
    levels = pa.table({"a": RANDOM.integers(0, 4, 1000), "y": RANDOM.integers(0, 2, 1000)})
    overlap, expected = overlap_shares(Split(levels.slice(0, 750), levels.slice(750), None), ["a", "y"])
    assert overlap == expected == 1.0
    numbers = pa.table({"a": NOISE[:1000]})
    assert overlap_shares(Split(numbers.slice(0, 750), numbers.slice(700), None), ["a"]) == (50 / 300, 0.0)


def spec(**leakage: Any) -> Spec:
    return tiny.SPEC.model_copy(update={"datasets": DatasetsSpec(leakage=LeakageRule(**leakage))})


def changed(name: str, values: Any) -> Any:
    """Reads January with one column changed."""

    def read_changed(source: Source, columns: list[str]) -> list[pa.Table]:
        return [with_column(pa.concat_tables(read(source, columns)), name, values)]

    return read_changed


def test_a_column_that_knows_the_label_is_refused_by_name() -> None:
    told = pa.array(np.asarray(TABLES["january"].column("failed")) * 40.0 + RANDOM.random(600))
    found = build(ALL[:1], changed("load", told), spec())
    assert isinstance(found, str)
    assert found.startswith("leakage: 'load' alone tells the label (AUC 1.0000, limit 0.99)")


def test_a_column_may_be_allowed_to_know_the_label() -> None:
    told = pa.array(np.asarray(TABLES["january"].column("failed")) * 40.0)
    found = build(ALL[:1], changed("load", told), spec(known_columns=["load"]))
    assert isinstance(found, Built)
    assert found.leakage.figures["columns"]["load"] == 1.0


def doubled(source: Source, columns: list[str]) -> list[pa.Table]:
    """January, and its rows again a month later under new ids."""
    table = pa.concat_tables(read(source, columns))
    ids = pa.array(np.asarray(table.column("id")) + 10_000_000)
    times = pa.array([time + timedelta(days=31) for time in table.column("at").to_pylist()], tiny.TYPES["at"])
    return [table, with_column(with_column(table, "id", ids), "at", times)]


def test_rows_dropped_again_under_new_ids_are_refused() -> None:
    found = build(ALL[:1], doubled, spec())
    assert isinstance(found, str)
    assert "of the hold-out rows equal a training row in all features and label" in found
    assert isinstance(build(ALL[:1], doubled, spec(max_overlap_share=1.0)), Built)


def test_an_honest_dataset_passes_with_its_figures() -> None:
    found = build(ALL, read, spec())
    assert isinstance(found, Built)
    assert set(found.leakage.figures["columns"]) == {"load", "heat", "age", "site"}
    assert found.leakage.figures["overlap_share"] < 0.01
    assert not found.leakage.refusals


def test_rows_just_before_the_hold_out_may_be_left_out() -> None:
    plain, gapped = (build(ALL, read, each) for each in (spec(), spec_with()))
    assert isinstance(plain, Built)
    assert isinstance(gapped, Built)
    wide = tiny.SPEC.model_copy(update={"datasets": DatasetsSpec(gap_hours=48)})
    found = build(ALL, read, wide)
    assert isinstance(found, Built)
    assert found.split.boundary is not None
    newest = found.split.train.column("at")[-1].as_py()
    assert newest < found.split.boundary - timedelta(hours=48)
    assert found.split.holdout.equals(plain.split.holdout)
    assert found.manifest.digest != plain.manifest.digest


def test_a_time_that_lies_after_the_event_is_warned_of_or_refused() -> None:
    document = tiny.SPEC.model_dump()
    document["data"]["columns"]["repaired"] = {"type": "timestamp"}
    times = TABLES["january"].column("at").to_pylist()
    later = pa.array([time + timedelta(days=1) for time in times], tiny.TYPES["at"])

    def with_repair(source: Source, columns: list[str]) -> list[pa.Table]:
        table = pa.concat_tables(read(source, [name for name in columns if name != "repaired"]))
        return [table.append_column("repaired", later)]

    for severity in ("warn", "refuse", "off"):
        document["datasets"]["leakage"]["later_columns"] = severity
        found = build(ALL[:1], with_repair, Spec.model_validate(document))
        said = "'repaired' lies after the event time in 100.0% of the rows"
        if severity == "refuse":
            assert isinstance(found, str)
            assert said in found
        else:
            assert isinstance(found, Built)
            assert [warning[: len(said)] for warning in found.leakage.warnings] == (
                [said] if severity == "warn" else []
            )
