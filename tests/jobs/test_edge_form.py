"""The form for devices, from the training job to the vectors that the evaluation leaves, as processes."""

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.artifact.archive import sha256
from trimtab.authoring.inference import model_fn
from trimtab.evaluation.gates import judge_by, read_report
from trimtab.spec import EdgeSpec, Spec

SPEC: Spec = tiny.SPEC.model_copy(update={"edge": EdgeSpec()})


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    made = Jobs(tmp_path_factory.mktemp("edge"))
    made.prepare(tiny.month(1, rows=3_000))
    (made.code / "model.json").write_text(SPEC.canonical_json())
    made.train()
    made.evaluate()
    return made


@pytest.fixture(scope="module")
def body(jobs: Jobs) -> bytes:
    return (jobs.base / "evaluation" / "evaluation.json").read_bytes()


def test_what_eight_bits_cost_is_measured_on_the_hold_out_and_judged(body: bytes) -> None:
    edge: dict[str, Any] = read_report(body)["edge"]
    assert (edge["precision"], edge["rows"]) == ("int8", 750)
    assert edge["model_bytes"] < edge["full_model_bytes"], "one small tree: most of the file is no weights"
    assert 0 < edge["max_difference"] < 0.2
    assert edge["loss"]["lo"] <= edge["loss"]["value"] <= edge["loss"]["hi"]
    gate = next(each for each in judge_by(SPEC, body, "s3://e").gates if each.name == "edge")
    assert (gate.outcome, gate.limit) == ("pass", 0.01)


def test_the_vectors_are_answers_of_the_small_model_and_not_of_the_full_one(
    jobs: Jobs, body: bytes, tmp_path: Path
) -> None:
    path = jobs.base / "evaluation" / "edge_vectors.jsonl"
    assert sha256(path) == read_report(body)["edge"]["vectors_sha256"]
    vectors = [json.loads(line) for line in path.read_text().splitlines()]
    asked = "\n".join(json.dumps(each["request"]) for each in vectors)
    said = [json.loads(line)["score"] for line in model_fn(str(jobs.root / "model")).answer(asked).splitlines()]
    assert said != [each["expected"]["score"] for each in vectors]
    shutil.copytree(jobs.root / "model", tmp_path / "small")
    shutil.copyfile(tmp_path / "small" / "model.edge.onnx", tmp_path / "small" / "model.onnx")
    said = [json.loads(line)["score"] for line in model_fn(str(tmp_path / "small")).answer(asked).splitlines()]
    assert said == [each["expected"]["score"] for each in vectors]


def test_an_artifact_without_the_form_that_its_spec_asks_for_fails_its_evaluation(jobs: Jobs, tmp_path: Path) -> None:
    other = Jobs(tmp_path)
    shutil.copytree(jobs.root, tmp_path, dirs_exist_ok=True)
    packed = io.BytesIO()
    with tarfile.open(jobs.archive) as source, tarfile.open(fileobj=packed, mode="w:gz") as target:
        for member in source:
            if member.name != "model.edge.onnx":
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
    other.archive.write_bytes(packed.getvalue())
    done = other.run("evaluate.py", "--base", str(other.base), "--run", "run-1")
    assert done.returncode != 0
    assert "no model.edge.onnx" in done.stderr
