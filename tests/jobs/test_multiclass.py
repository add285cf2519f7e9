"""A model of three classes through both jobs, as processes: learned, stored, asked and judged."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.evaluation.gates import read_report
from trimtab.spec import load_spec_file

FOLDER = tiny.FOLDER.parent / "wear"
SPEC = load_spec_file(FOLDER / "model.yaml")
STATES = ("broken", "sound", "worn")
ROWS = 4_000


def pumps(rows: int = ROWS) -> pa.Table:
    """January's pumps; those of middle age are worn under load, and of those the hot ones are mostly broken."""
    table = tiny.data.month(1, rows).drop(columns=tiny.data.LABEL)
    random = np.random.default_rng(11)
    luck = random.random(rows)
    worn = table["age"].between(8, 20) & (table["load"] > 45)
    broken = worn & (table["heat"] > 60) & (luck < 0.8)
    state = pd.Series(np.where(broken, "broken", np.where(worn | (luck < 0.1), "worn", "sound")))
    frame = table.assign(state=state, at=table["at"].dt.tz_localize(UTC))
    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    made = Jobs(tmp_path_factory.mktemp("wear"))
    made.prepare(pumps(), FOLDER, SPEC)
    made.train()
    made.evaluate()
    return made


@pytest.fixture(scope="module")
def report(jobs: Jobs) -> dict[str, Any]:
    return read_report((jobs.base / "evaluation" / "evaluation.json").read_bytes())


def test_three_classes_are_measured_as_a_whole_and_each_for_itself(report: dict[str, Any]) -> None:
    assert (report["problem"], tuple(report["classes"])) == ("multiclass", STATES)
    assert sum(report["class_counts"].values()) == report["n"] == ROWS // 4
    found = report["metrics"]["candidate"]
    assert {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "auc_macro"} <= set(found)
    assert found["macro_f1"] > 0.7
    low, high = report["intervals"]["candidate"]["auc_macro"]
    assert low < found["auc_macro"] < high


def test_a_model_of_three_classes_passes_its_gates(jobs: Jobs) -> None:
    judgement = jobs.judged(SPEC)
    assert judgement.passed, [gate.message for gate in judgement.gates if gate.outcome != "pass"]
    assert {"macro_f1 min", "auc_macro min", "bias site four_fifths"} <= {gate.name for gate in judgement.gates}


def test_what_is_served_names_the_likeliest_class_and_every_probability(jobs: Jobs, report: dict[str, Any]) -> None:
    assert report["serving"]["format"] == "onnx"
    assert report["serving"]["parity"]["max_difference"] < 1e-6
    for line in (jobs.base / "evaluation" / "golden.jsonl").read_text().splitlines():
        answer = json.loads(line)["expected"]
        assert tuple(sorted(answer["scores"])) == STATES
        assert sum(answer["scores"].values()) == pytest.approx(1)
        assert answer["label"] == max(answer["scores"], key=answer["scores"].get)


def test_a_model_that_learned_shuffled_classes_is_refused(tmp_path: Path) -> None:
    bad = Jobs(tmp_path)
    bad.prepare(pumps(), FOLDER, SPEC)
    part = bad.base / "train" / "part.parquet"
    train = pq.read_table(part)
    drawn = np.random.default_rng(0).permutation(train.num_rows)
    shuffled = train.column("state").take(pa.array(drawn))
    pq.write_table(train.set_column(train.column_names.index("state"), "state", shuffled), part)
    bad.train()
    bad.evaluate()
    refused = {gate.name for gate in bad.judged(SPEC).gates if gate.outcome == "refuse"}
    assert {"macro_f1 min", "auc_macro min", "baseline"} <= refused
