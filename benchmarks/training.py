"""`python -m benchmarks.training`: what the training machine takes besides the bare train.py, on flights, step by step.

The machine runs once on a local cloud of its own; then the script's fit learns from the same rows in the same
environment, by hand: rows are read, fit is called, the model is pickled. The difference of the wall times is the
machine's own.
"""

import os
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import local
from demo import deployment
from demo.scene import Scene
from models.flights.data import flights, write_training
from stacks.model_source import ModelSource
from trimtab.artifact.untar import extract
from trimtab.authoring.bundle import TRAINING_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".toolchain" / "images" / "sagemaker-scikit-learn-1_9-0" / "bin" / "python"
BARE_RUNS = 3
BARE = """
import json, pickle
import pandas as pd
from train import fit

spec = json.load(open("model.json"))
data = spec["data"]
rows = pd.read_parquet("part.parquet")
named = {data["id"], data["event_time"], data["label"]}
features = [name for name, each in data["columns"].items() if each["role"] == "feature" and name not in named]
model = fit(rows[features], rows[data["label"]].astype(int), spec["training"]["hyperparameters"], 0)
pickle.dump(model, open("model.pickle", "wb"))
"""
"""What a person would write without Trimtab."""


@dataclass(frozen=True)
class Step:
    """A stretch of the execution's time."""

    name: str
    seconds: float


def main() -> None:
    """The table has been printed."""
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        scene = Scene(model="flights", state_dir=Path(folder) / "cloud")
        try:
            deployment.start_cloud(scene)
            deployment.deploy(scene)
            execution, run = _train(scene, Path(folder))
            steps = [*_states(scene, execution), *_jobs(scene, run)]
            whole = (execution["stopDate"] - execution["startDate"]).total_seconds()
            bare = _bare(scene, run, Path(folder) / "bare")
        finally:
            local.stop(scene.state_dir)
    _print(whole, bare, steps)


def _train(scene: Scene, folder: Path) -> tuple[dict[str, Any], str]:
    """The first training's execution, ended, and its run."""
    path = write_training(flights(), folder)
    bucket = scene.stage.data["DropsBucket"]
    scene.client("s3").upload_file(str(path), bucket, f"flights/data/{path.name}")
    entry = scene.wait_for_entry(["training.released"], after=0, seconds=300)
    (execution,) = scene.wait("the end of the execution", lambda: _ended(scene), seconds=60)
    scene.say(str(entry.data["summary"]))
    return execution, entry.subject


def _ended(scene: Scene) -> list[dict[str, Any]] | None:
    executions = scene.executions("training")
    return executions if all("stopDate" in each for each in executions) else None


def _states(scene: Scene, execution: Mapping[str, Any]) -> Iterator[Step]:
    """How long each task state took."""
    pages = scene.client("stepfunctions").get_paginator("get_execution_history")
    entered: dict[str, datetime] = {}
    for page in pages.paginate(executionArn=execution["executionArn"]):
        for event in page["events"]:
            if begun := event.get("stateEnteredEventDetails"):
                entered[begun["name"]] = event["timestamp"]
            elif (ended := event.get("stateExitedEventDetails")) and event["type"].startswith("Task"):
                yield Step(ended["name"], (event["timestamp"] - entered[ended["name"]]).total_seconds())


def _jobs(scene: Scene, run: str) -> Iterator[Step]:
    """What the two jobs did of that."""
    job = scene.client("sagemaker").describe_training_job(TrainingJobName=run)
    for stage in job["SecondaryStatusTransitions"]:
        if "EndTime" in stage and stage["Status"] != "Completed":
            yield Step(f"  training job: {stage['Status']}", (stage["EndTime"] - stage["StartTime"]).total_seconds())
    metrics = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    yield Step("  of Training, the author's fit", metrics["fit_seconds"])
    done = scene.client("sagemaker").describe_processing_job(ProcessingJobName=f"{run}-eval")
    yield Step(
        "  evaluation job: in its container", (done["ProcessingEndTime"] - done["ProcessingStartTime"]).total_seconds()
    )


def _bare(scene: Scene, run: str, folder: Path) -> float:
    """Median wall seconds of the author's fit without Trimtab, on the rows of the run."""
    folder.mkdir()
    (folder / "code.tar.gz").write_bytes(ModelSource(ROOT / "models" / "flights").bundle())
    with tarfile.open(folder / "code.tar.gz") as archive:
        extract(archive, folder / "code")
    uri = _train_uri(scene, run)
    scene.client("s3").download_file(*uri, str(folder / "code" / "part.parquet"))
    environment = {"PATH": os.environ["PATH"], **TRAINING_ENVIRONMENT}
    took = []
    for _ in range(BARE_RUNS):
        began = time.perf_counter()
        subprocess.run([str(PYTHON), "-c", BARE], cwd=folder / "code", env=environment, check=True)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _train_uri(scene: Scene, run: str) -> tuple[str, str]:
    channels = scene.client("sagemaker").describe_training_job(TrainingJobName=run)["InputDataConfig"]
    uri = next(each["DataSource"]["S3DataSource"]["S3Uri"] for each in channels if each["ChannelName"] == "train")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}part.parquet"


def _print(whole: float, bare: float, steps: list[Step]) -> None:
    table = Table("step", "seconds", title="The training machine on flights")
    for step in steps:
        table.add_row(step.name, f"{step.seconds:.2f}")
    table.add_section()
    table.add_row("the whole execution", f"{whole:.2f}")
    table.add_row(f"the bare fit (median of {BARE_RUNS})", f"{bare:.2f}")
    table.add_row("the machine's own", f"{whole - bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
