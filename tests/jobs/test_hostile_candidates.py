"""Candidates that are wrong or mean harm, through the real training and evaluation processes: none is approvable."""

import io
import json
import os
import pickle
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures import tiny
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.contracts import Judgement

ROWS = 4_000
WRAP = """
import json
_sound = transform_fn

def transform_fn(model, body, content_type, accept):
    text = body.decode() if isinstance(body, bytes) else body
    answer = _sound(model, body, content_type, accept)
    lines = (answer[0] if isinstance(answer[0], str) else answer[0].decode()).splitlines()
    rows, records = [json.loads(line) for line in lines], [json.loads(line) for line in text.splitlines()]
    rows = twist(rows, records)
    return "".join(json.dumps(row) + "\\n" for row in rows), answer[1]
"""
NAN = """
def twist(rows, records):
    return [row | {"score": float("nan")} if place % 50 == 0 else row for place, row in enumerate(rows)]
"""
SHORT = """
def twist(rows, records):
    return rows[:-1]
"""
NO_JSON = """
def transform_fn(model, body, content_type, accept):
    text = body.decode() if isinstance(body, bytes) else body
    return "<html>moved</html>\\n" * len(text.splitlines()), accept
"""
TOO_SURE = """
def twist(rows, records):
    return [row | {"score": row["score"] * 2} for row in rows]
"""
BROKEN_IN_THE_WEST = """
def twist(rows, records):
    return [row | {"score": 1 - row["score"]} if r["site"] == "west" else row for row, r in zip(rows, records)]
"""
READS_LABELS = """
import pyarrow.parquet as pq
labels = {}
for found in pq.ParquetFile(open(PATH, "rb")).read(["id", "failed"]).to_pylist():
    labels[found["id"]] = float(found["failed"])

def twist(rows, records):
    return [row | {"score": labels.get(row["id"], 0.5)} for row in rows]
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """A trained model of January that nobody has tampered with."""
    jobs = Jobs(tmp_path_factory.mktemp("sound"))
    jobs.prepare(tiny.month(1, rows=ROWS))
    jobs.train()
    return jobs


@pytest.fixture
def tampered(sound: Jobs, tmp_path: Path) -> Callable[[str], Jobs]:
    """The sound job's folders with more code at the end of the model's inference.py."""

    def tamper(code: str) -> Jobs:
        jobs = Jobs(tmp_path)
        for name in ("code", "processing", "model"):
            shutil.copytree(sound.root / name, tmp_path / name)
        served = tmp_path / "model" / "code" / "inference.py"
        served.write_text(served.read_text() + code)
        jobs.pack()
        return jobs

    return tamper


def judged(jobs: Jobs) -> Judgement:
    jobs.evaluate()
    return jobs.judged(tiny.SPEC)


def refusing(judgement: Judgement) -> set[str]:
    return {gate.name for gate in judgement.gates if gate.outcome == "refuse"}


def failed(jobs: Jobs, **environment: str) -> str:
    """What the evaluation says when it ends without a report."""
    done = evaluate(jobs, **environment)
    assert done.returncode != 0, "the evaluation was to fail"
    assert not (jobs.base / "evaluation" / "evaluation.json").exists()
    return done.stderr


def evaluate(jobs: Jobs, **environment: str) -> "subprocess.CompletedProcess[str]":
    os.environ.update(environment)
    try:
        return jobs.run("evaluate.py", "--base", str(jobs.base), "--run", "run-1")
    finally:
        for name in environment:
            del os.environ[name]


def test_the_same_candidate_untouched_passes(tampered: Callable[[str], Jobs]) -> None:
    """Else nothing below would show anything."""
    judgement = judged(tampered(""))
    assert judgement.passed, [gate.message for gate in judgement.gates if gate.outcome != "pass"]


def test_a_candidate_that_learned_shuffled_labels_is_refused_for_knowing_nothing(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    jobs.prepare(tiny.month(1, rows=ROWS))
    part = jobs.base / "train" / "part.parquet"
    train = pq.read_table(part)
    order = np.random.default_rng(0).permutation(train.num_rows)
    shuffled = train.set_column(train.column_names.index("failed"), "failed", train.column("failed").take(order))
    pq.write_table(shuffled, part)
    jobs.train()
    pq.write_table(train, part)  # the baseline learns from true labels
    assert {"auc min", "baseline"} <= refusing(judged(jobs))


@pytest.mark.parametrize(("code", "reason"), [(NAN, "auc (None)"), (TOO_SURE, "auc (None)")], ids=["NaN", "above one"])
def test_scores_that_are_no_probabilities_are_refused_as_such(
    tampered: Callable[[str], Jobs], code: str, reason: str
) -> None:
    judgement = judged(tampered(WRAP + code))
    finite = next(gate for gate in judgement.gates if gate.name == "finite")
    assert (judgement.outcome, finite.outcome) == ("refuse", "refuse")
    assert reason in finite.message


def test_one_broken_slice_is_found_and_named(tampered: Callable[[str], Jobs]) -> None:
    judgement = judged(tampered(WRAP + BROKEN_IN_THE_WEST))
    gate = next(gate for gate in judgement.gates if gate.name == "slices")
    assert gate.outcome == "refuse", gate.message
    assert "site=west" in gate.message
    assert "site=north" not in gate.message


def test_a_champion_that_answers_no_json_is_a_finding_and_no_failure(
    tampered: Callable[[str], Jobs], sound: Jobs
) -> None:
    jobs = tampered(NO_JSON)
    (jobs.base / "champion").mkdir()
    jobs.archive.rename(jobs.base / "champion" / "model.tar.gz")
    shutil.copyfile(sound.archive, jobs.archive)
    gate = next(gate for gate in judged(jobs).gates if gate.name == "champion")
    assert gate.outcome == "not_judged"
    assert "the champion cannot score these rows: the model answered what is not JSON" in gate.message


def test_a_candidate_that_answers_no_json_fails_the_evaluation(tampered: Callable[[str], Jobs]) -> None:
    assert "the model answered what is not JSON: b'<html>moved" in failed(tampered(NO_JSON))


def test_an_answer_too_few_fails_the_evaluation(tampered: Callable[[str], Jobs]) -> None:
    assert "the model answered" in failed(tampered(WRAP + SHORT))


def test_a_model_that_reads_the_labels_is_stopped(tampered: Callable[[str], Jobs], tmp_path: Path) -> None:
    path = tmp_path / "processing" / "holdout" / "part.parquet"
    said = failed(tampered(f"PATH = {str(path)!r}\n" + READS_LABELS + WRAP))
    assert "a model may not read the job's inputs while it is evaluated" in said


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9), 1)\n", "may not use a network"),
        ("import subprocess; subprocess.run(['true'])\n", "may not start programs"),
        ("import os; os.system('true')\n", "may not start programs"),
        ("import os; open(f'/proc/{os.getppid()}/environ', 'rb').read()\n", "may not look at other processes"),
    ],
    ids=["network", "program", "shell", "parent"],
)
def test_a_model_that_reaches_out_is_stopped(tampered: Callable[[str], Jobs], code: str, reason: str) -> None:
    assert reason in failed(tampered(code))


def test_a_model_sees_nothing_of_the_job_s_environment(tampered: Callable[[str], Jobs], tmp_path: Path) -> None:
    code = "import os\nassert False, 'names: ' + ' '.join(sorted(os.environ))\n"
    said = failed(tampered(code), AWS_SECRET_ACCESS_KEY="secret")
    seen = said.rpartition("names: ")[2].split()
    assert not [name for name in seen if name.startswith(("AWS", "SM_", "TRIMTAB", "PYTHONPATH"))]


class Bomb:
    """What a hostile pickle does when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.code = f"import sys; open({str(marker)!r}, 'a').write(' '.join(sys.orig_argv) + chr(10))"

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return exec, (self.code,)


def test_a_pickle_bomb_goes_off_in_the_scorer_or_nowhere(sound: Jobs, tmp_path: Path) -> None:
    jobs, marker = Jobs(tmp_path), tmp_path / "marker"
    for name in ("code", "processing", "model"):
        shutil.copytree(sound.root / name, tmp_path / name)
    for path in [*(tmp_path / "model").iterdir()]:
        if path.is_file() and path.name != "contract.json":
            path.write_bytes(pickle.dumps(Bomb(marker)))
    jobs.pack()
    failed(jobs)
    ran = marker.read_text().splitlines() if marker.exists() else []
    assert all("scorer.py" in argv for argv in ran), ran


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        for member, body in members:
            target.addfile(member, io.BytesIO(body))
    return packed.getvalue()


def member(name: str, **attributes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def huge() -> bytes:
    """An archive whose first member says that it has 5 GiB."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        target.fileobj.write(member("model.bin", size=5 * 1024**3).tobuf())
    return packed.getvalue()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (archive_of((member("../../escaped", size=1), b"x")), "is not a usable model archive"),
        (archive_of((member("/escaped", size=1), b"x"), (member("../escaped", size=1), b"x")), "is not a usable model"),
        (
            archive_of((member("model", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")),
            "is not a usable model archive",
        ),
        (huge(), "unpacks to more than"),
        (b"no archive at all", "is not a usable model archive"),
    ],
    ids=["parent", "absolute", "symlink", "gigantic", "no archive"],
)
def test_an_archive_that_reaches_outside_or_is_too_large_is_not_opened(
    sound: Jobs, tmp_path: Path, body: bytes, reason: str
) -> None:
    jobs = Jobs(tmp_path)
    for name in ("code", "processing"):
        shutil.copytree(sound.root / name, tmp_path / name)
    jobs.archive.write_bytes(body)
    assert reason in failed(jobs)
    assert not (tmp_path.parent / "escaped").exists()


def test_evaluation_json_is_strict_whatever_a_candidate_answers(tampered: Callable[[str], Jobs]) -> None:
    jobs = tampered(WRAP + NAN)
    jobs.evaluate()
    text = (jobs.base / "evaluation" / "evaluation.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)


def test_the_fixture_s_sites_are_large_enough_to_be_judged() -> None:
    """A slice gate that never had a slice would pass for the wrong reason."""
    sites = pa.table({"site": tiny.month(1, rows=ROWS).column("site")}).group_by("site").aggregate([("site", "count")])
    assert min(sites.column("site_count").to_pylist()) * 0.25 > 150
