"""The jobs as processes, from the bundle that ships, without SageMaker: train, score, compare.

They run without pydantic and boto3, which AWS's image lacks or a job without network cannot use.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures import tiny
from trimtab.artifact.archive import sha256
from trimtab.artifact.untar import extract
from trimtab.authoring.bundle import build_bundle
from trimtab.contracts import Judgement
from trimtab.data.profile import Profile
from trimtab.datasets.split import split_by_time
from trimtab.evaluation.gates import judge, judge_by, read_report
from trimtab.spec import Spec

ABSENT = ("pydantic", "boto3", "botocore")


@dataclass(frozen=True)
class Jobs:
    """The folders of a training job and of its evaluation."""

    root: Path
    python: str = sys.executable
    kit: Path | None = None
    """Folder of the job kit, for an interpreter that lacks its packages."""

    @property
    def code(self) -> Path:
        return self.root / "code"

    @property
    def base(self) -> Path:
        return self.root / "processing"

    @property
    def archive(self) -> Path:
        return self.base / "candidate" / "model.tar.gz"

    def prepare(self, labelled: pa.Table, author: Path = tiny.FOLDER, spec: Spec = tiny.SPEC) -> None:
        """The bundle of the author's folder, unpacked, and the rows as the dataset builder cuts them."""
        bundle = build_bundle(author, tiny.LIBRARY, spec.canonical_json(), "train.py")
        with tarfile.open(fileobj=io.BytesIO(bundle)) as packed:
            extract(packed, self.code)
        split = split_by_time(labelled, spec.data.event_time, spec.training.holdout_share)
        unlabelled = split.holdout.drop_columns([spec.data.label])
        parts = {"train": split.train, "holdout": split.holdout, "holdout_features": unlabelled}
        for part, rows in parts.items():
            (self.base / part).mkdir(parents=True)
            pq.write_table(rows, self.base / part / "part.parquet")

    def stand_against(self, champion: Path) -> None:
        """The archive is the champion of the next evaluation."""
        (self.base / "champion").mkdir()
        (self.base / "champion" / "model.tar.gz").symlink_to(champion)

    def judged(self, spec: Spec) -> Judgement:
        """What the gates of the spec say of the last evaluation."""
        return judge_by(spec, (self.base / "evaluation" / "evaluation.json").read_bytes(), "s3://e")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A script of the bundle, in an environment that lacks what the image lacks."""
        absent = self.root / "absent"
        for name in ABSENT:
            (absent / name).mkdir(parents=True, exist_ok=True)
            (absent / name / "__init__.py").write_text(f"raise ImportError('{name} is not in the image')\n")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(absent),
            "SM_CHANNEL_TRAIN": str(self.base / "train"),
            "SM_CHANNEL_HOLDOUT_FEATURES": str(self.base / "holdout_features"),
            "SM_MODEL_DIR": str(self.root / "model"),
            **({"SM_CHANNEL_KIT": str(self.kit)} if self.kit else {}),
        }
        return subprocess.run([self.python, *argv], cwd=self.code, env=environment, capture_output=True, text=True)

    def train(self) -> str:
        done = self.run("train.py")
        assert done.returncode == 0, done.stderr
        self.pack()
        return done.stdout

    def pack(self) -> None:
        """What SageMaker does with the model folder."""
        self.archive.parent.mkdir(exist_ok=True)
        with tarfile.open(self.archive, "w:gz") as packed:
            for path in sorted((self.root / "model").iterdir()):
                packed.add(path, path.name)

    def evaluate(self) -> dict[str, Any]:
        done = self.run("evaluate.py", "--base", str(self.base), "--run", "run-1")
        assert done.returncode == 0, done.stderr
        return read_report((self.base / "evaluation" / "evaluation.json").read_bytes())


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """A trained model of January, evaluated."""
    jobs = Jobs(tmp_path_factory.mktemp("january"))
    jobs.prepare(tiny.month(1, rows=3_000))
    assert "train_auc=" in jobs.train()
    jobs.evaluate()
    return jobs


@pytest.fixture(scope="module")
def report(january: Jobs) -> dict[str, Any]:
    return read_report((january.base / "evaluation" / "evaluation.json").read_bytes())


def test_the_report_identifies_what_was_judged(january: Jobs, report: dict[str, Any]) -> None:
    assert (report["run"], report["n"], report["champion"]["present"]) == ("run-1", 750, False)
    assert report["artifact_sha256"] == sha256(january.archive)
    assert report["metrics"]["champion"] is None
    assert set(report["importance"]) == {"age", "heat", "load", "site"}
    declared = {item["name"] for item in report["slices"] if item["declared"]}
    assert declared == {"site=north", "site=south", "site=west"}
    assert 0 < report["latency_ms_p50"] <= report["latency_ms_p99"]


def test_a_model_that_has_learned_something_passes_its_gates(report: dict[str, Any]) -> None:
    judgement = judge(report, tiny.SPEC.evaluation, "s3://e")
    assert judgement.passed, [gate.message for gate in judgement.gates]


def test_the_threshold_was_chosen_on_rows_that_the_model_had_not_seen(report: dict[str, Any]) -> None:
    chosen = report["threshold"]
    assert (chosen["rule"], chosen["rows"]) == ("best f_beta", 450), "a fifth of 2,250 training rows"
    assert chosen["chosen_on"] == "training rows that a second fit did not learn from"


def test_what_is_served_answers_every_row_as_the_trained_model_did(report: dict[str, Any]) -> None:
    serving = report["serving"]
    assert (serving["format"], serving["pickles"], serving["own_inference"]) == ("onnx", [], False)
    assert serving["parity"]["rows"] == report["n"]
    assert serving["parity"]["max_difference"] < 1e-12


def test_the_report_explains_the_candidate_within_bounds(january: Jobs, report: dict[str, Any]) -> None:
    found = report["explain"]
    assert found["rows_scored"] <= found["most_rows_scored"] + 5 * 10 * 60
    assert found["shap"]["additivity_error"] < 1e-9
    assert set(found["shap"]["mean_absolute"]) == set(report["importance"])
    leading = [set(list(each)[:2]) for each in (found["shap"]["mean_absolute"], report["importance"])]
    assert leading[0] == leading[1], "both name the same features"
    for each in found["importance"]["features"].values():
        assert each["lo"] <= each["value"] + 0.02
        assert each["lo"] <= each["hi"]
    assert {len(each["grid"]) for each in found["dependence"]} <= set(range(1, 11))
    weights = json.loads((january.base / "evaluation" / "importance.json").read_text())["weights"]
    assert sum(weights.values()) == pytest.approx(1)


@pytest.mark.parametrize("hostile", ["a pickle", "an operator of somebody else's"])
def test_a_hostile_file_in_the_artifact_fails_the_job_before_the_model_loads(
    january: Jobs, tmp_path: Path, hostile: str
) -> None:
    broken = Jobs(tmp_path)
    broken.prepare(tiny.month(1))
    shutil.copytree(january.root / "model", broken.root / "model")
    (broken.root / "model" / "code" / "inference.py").write_text("raise RuntimeError('it was loaded')\n")
    if hostile == "a pickle":
        (broken.root / "model" / "extra.bin").write_bytes(b"\x80\x04K\x01.")
    else:
        path = broken.root / "model" / "model.onnx"
        path.write_bytes(path.read_bytes().replace(b"ai.onnx.ml", b"ai.evil.ml"))
    broken.pack()
    done = broken.run("evaluate.py", "--base", str(broken.base), "--run", "run-1")
    assert done.returncode != 0
    assert "it was loaded" not in done.stderr
    assert {"a pickle": "extra.bin"}.get(hostile, "ai.evil.ml") in done.stderr


def test_golden_records_are_requests_with_the_answers_they_must_get(january: Jobs) -> None:
    lines = (january.base / "evaluation" / "golden.jsonl").read_text().splitlines()
    golden = [json.loads(line) for line in lines]
    assert len(golden) == 100
    assert all(row["request"]["id"] == row["expected"]["id"] for row in golden)
    assert len({row["expected"]["score"] for row in golden}) > 5


def test_serving_gives_every_row_the_score_that_training_s_own_table_gives(january: Jobs) -> None:
    """Parity: the records path and the table path, over the whole hold-out."""
    script = (
        "import json, sys, inference, pandas as pd\n"
        "served = inference.model_fn(sys.argv[1])\n"
        "table = pd.read_parquet(sys.argv[2])\n"
        "direct = served.predictor.scores(served.contract.conform(table))\n"
        "body = '\\n'.join(json.dumps(r) for r in json.loads(table.to_json(orient='records', date_format='iso')))\n"
        "answers, _ = inference.transform_fn(served, body.encode(), 'application/jsonlines', '*/*')\n"
        "print(max(abs(json.loads(a)['score'] - d) for a, d in zip(answers.splitlines(), direct, strict=True)))\n"
    )
    holdout = january.base / "holdout" / "part.parquet"
    model = january.root / "model"
    done = subprocess.run(
        [sys.executable, "-c", script, str(model), str(holdout)], cwd=model / "code", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-12


def test_the_scores_have_a_profile_to_compare_production_with(january: Jobs) -> None:
    profile = Profile.loads((january.base / "evaluation" / "scores_profile.json").read_bytes())
    assert (profile.rows, list(profile.columns)) == (750, ["score"])


def test_the_same_artifact_is_judged_the_same_twice(january: Jobs, report: dict[str, Any]) -> None:
    again = january.evaluate()
    timed = ("latency_ms_p50", "latency_ms_p99")
    assert {k: v for k, v in again.items() if k not in timed} == {k: v for k, v in report.items() if k not in timed}


def test_a_champion_that_knows_only_the_past_is_beaten_after_the_drift(january: Jobs, tmp_path: Path) -> None:
    march = Jobs(tmp_path)
    march.prepare(tiny.month(3, rows=3_000))
    march.train()
    shutil.copytree(january.archive.parent, march.base / "champion")
    report = march.evaluate()
    judgement = judge(report, tiny.SPEC.evaluation, "s3://e")
    champion = next(gate for gate in judgement.gates if gate.name == "champion")
    assert (champion.outcome, champion.n) == ("pass", 750)
    assert report["metrics"]["champion"]["auc"] < report["metrics"]["candidate"]["auc"]


def test_a_better_champion_keeps_its_place(january: Jobs, tmp_path: Path) -> None:
    """The candidate learned from shuffled labels."""
    bad = Jobs(tmp_path)
    january_rows = tiny.month(1, rows=3_000)
    bad.prepare(january_rows)
    part = bad.base / "train" / "part.parquet"
    train = pq.read_table(part)
    reversed_labels = train.column("failed").take(pa.array(range(train.num_rows - 1, -1, -1)))
    pq.write_table(train.set_column(train.column_names.index("failed"), "failed", reversed_labels), part)
    bad.train()
    shutil.copytree(january.archive.parent, bad.base / "champion")
    judgement = judge(bad.evaluate(), tiny.SPEC.evaluation, "s3://e")
    assert judgement.outcome == "refuse"
    assert {"auc min", "champion"} <= {gate.name for gate in judgement.gates if gate.outcome == "refuse"}


def test_a_candidate_with_the_champion_s_rows_in_its_hold_out_is_compared_on_the_others(
    january: Jobs, tmp_path: Path
) -> None:
    overlap = Jobs(tmp_path)
    overlap.prepare(tiny.month(1, rows=3_000).slice(1_000, 1_500))
    shutil.copytree(january.archive.parent, overlap.base / "candidate")
    shutil.copytree(january.archive.parent, overlap.base / "champion")
    report = overlap.evaluate()
    assert report["champion"]["rows"] < report["n"]
    assert judge(report, tiny.SPEC.evaluation, "s3://e").outcome == "refuse"


@pytest.mark.parametrize(
    ("code", "message"),
    [("raise RuntimeError('no such model')\n", "no such model"), ("", "model_fn")],
    ids=["fails", "lacks its functions"],
)
def test_a_model_that_cannot_serve_fails_the_job_with_its_own_words(
    january: Jobs, tmp_path: Path, code: str, message: str
) -> None:
    broken = Jobs(tmp_path)
    broken.prepare(tiny.month(1))
    shutil.copytree(january.root / "model", broken.root / "model")
    (broken.root / "model" / "code" / "inference.py").write_text(code)
    broken.pack()
    done = broken.run("evaluate.py", "--base", str(broken.base), "--run", "run-1")
    assert done.returncode != 0
    assert "the model could not score the hold-out" in done.stderr
    assert message in done.stderr
