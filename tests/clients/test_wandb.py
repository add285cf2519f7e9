"""Weights & Biases reads the offline runs that Trimtab writes without it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trimtab.tracking.tracked import TrackedRun
from trimtab.tracking.wandb import WandbOffline

from .conftest import Client

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def run(**params: str) -> TrackedRun:
    return TrackedRun(
        name="trimtab-dev-tiny-1",
        model="tiny",
        outcome="Registered",
        reason="all gates passed",
        started=NOON,
        ended=NOON + timedelta(minutes=3),
        params=params,
        metrics={"auc": 0.8, "log_loss": 0.4},
        tags={"trimtab.cause": "person"},
        dataset="d" * 64,
        files={"model_card.html": b"<h1>card</h1>"},
    )


def written(folder: Path, tracked: TrackedRun) -> str:
    def write(path: str, body: bytes) -> str:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return str(file)

    return WandbOffline("pumps", write).record(tracked)


def test_wandb_reads_parameters_metrics_and_the_end_of_a_run(client: Callable[[str], Client], tmp_path: Path) -> None:
    log = written(tmp_path, run(max_depth="6", notes="x" * 100_000))  # longer than a block of the log
    found = client("wandb").script("wandb_reads.py", log)
    assert found["kinds"] == ["header", "run", "history", "summary", "exit"]
    assert found["run"][1:] == ["pumps", "trimtab-dev-tiny-1", "tiny", ["trimtab.cause:person"]]
    assert found["started"] == int(NOON.timestamp())
    assert found["config"] == {"max_depth": "6", "notes": "x" * 100_000, "dataset": "d" * 64, "outcome": "Registered"}
    assert {name: found["summary"][name] for name in ("auc", "log_loss")} == {"auc": 0.8, "log_loss": 0.4}
    assert found["history"]["_step"] == 0
    assert found["exit"] == [0, 180]
