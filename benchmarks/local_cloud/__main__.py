"""`python -m benchmarks.local_cloud`: every workload on every server, in one run, as a table with ratios."""

import os
import platform
import subprocess
import time

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from benchmarks.local_cloud.subjects import ROOT, Running, Subject, subjects
from benchmarks.local_cloud.workloads import WORKLOADS, NotMeasured

Figures = dict[str, float]
_STARTS = 3


def main() -> None:
    """The table has been printed; a server that cannot do something has a dash there, and the reason below it."""
    console = Console()
    columns: dict[str, Figures] = {}
    for subject in subjects():
        columns[subject.name], refusals = _measure(subject)
        for refusal in refusals:
            console.print(f"{subject.name}: {refusal}", style="dim", highlight=False)
    console.print(_table(columns))


def _measure(subject: Subject) -> tuple[Figures, list[str]]:
    starts = [_start(subject) for _ in range(_STARTS)]
    figures: Figures = {
        "start, s": sorted(took for took, _ in starts)[_STARTS // 2],
        "memory after start, MB": sorted(size for _, size in starts)[_STARTS // 2],
    }
    refusals = []
    with subject.running() as server:
        for workload in (*WORKLOADS, *([deploy] if subject.name == "local cloud" else [])):
            try:
                figures |= workload(server)
            except (ClientError, BotoCoreError, NotMeasured, OSError) as error:
                refusals.append(f"{workload.__name__}: {str(error)[:120]}")
        figures["memory after all of it, MB"] = server.megabytes()
    return figures, refusals


def _start(subject: Subject) -> tuple[float, float]:
    with subject.running() as server:
        return server.started_in, server.megabytes()


def deploy(server: Running) -> Figures:
    """Wall seconds of `cdk bootstrap` and of `cdk deploy --all` of the demo's app."""
    environment = f"aws://{server.account}/us-east-1"
    return {
        "cdk bootstrap, s": _cdk(server, "bootstrap", environment),
        "cdk deploy --all, s": _cdk(server, "deploy", "--all", "--require-approval", "never", "--concurrency", "4"),
    }


def _cdk(server: Running, *arguments: str) -> float:
    paths = f"{ROOT / '.venv/bin'}{os.pathsep}{ROOT / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
    variables = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "CDK_VALIDATION": "false",
        "CI": "true",
        "PATH": paths,
    }
    began = time.perf_counter()
    subprocess.run(["cdk", *arguments], cwd=ROOT, env=os.environ | variables, capture_output=True, check=True)
    return time.perf_counter() - began


def _table(columns: dict[str, Figures]) -> Table:
    cores = os.cpu_count()
    table = Table(
        title=f"{time.strftime('%Y-%m-%d')}, {cores} cores, {platform.system()}, Python {platform.python_version()}"
    )
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for figure in dict.fromkeys(figure for figures in columns.values() for figure in figures):
        table.add_row(figure, *(_shown(figures.get(figure)) for figures in columns.values()))
    return table


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
