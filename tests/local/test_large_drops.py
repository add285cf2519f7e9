"""Drops of many objects, large and hostile ones, through the deployed intake machine: shares, quarantine and replay.

The steps build on each other: a failure makes those after it fail too.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.drops import find_refused, start_replay
from cli.stage import Stage
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, start_local_cloud
from tests.local.loop_support import FIXTURE, Ended, Loop, deploy, deploy_model, environment
from tests.local.mutation import judging
from tests.unit.data.samples import rounded
from trimtab.data.local_drop import judge_drop, local_drop
from trimtab.data.validate import Gate
from trimtab.spec import load_spec_file

FAN_OUT = "  drop: manifest\n  fan_out: {above_megabytes: 0.1, share_megabytes: 0.03, at_once: 2}\n"
WINDOW_FAN_OUT = "fan_out: {above_megabytes: 0.05, share_megabytes: 0.03, at_once: 2}"
DOMAIN = "[north, south, west]"
WATCHING = {"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"}
"""What AWS asks of the machine's role for its children and the local cloud does without it."""
COMES_TWICE = "kms:Decrypt"
"""With reading and with writing of one key: either statement is enough."""
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture model, whose drops are folders and large from 100 kB on."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(ROOT / FIXTURE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    edit(folder, "data:\n", "data:\n" + FAN_OUT)
    edit(folder, "rate(1 day), ", f"rate(1 day), windows: {{{WINDOW_FAN_OUT}}}, ")
    return folder


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Loop]:
    cloud, process = start_local_cloud(tmp_path_factory.mktemp("large"))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(cloud).items():
            patched.setenv(name, value)
        deploy(cloud, cloud.state_dir, str(model))
        yield Loop(cloud)
    process.terminate()
    process.wait(timeout=20)


def edit(model: Path, old: str, new: str) -> None:
    text = (model / "model.yaml").read_text()
    assert old in text
    (model / "model.yaml").write_text(text.replace(old, new, 1))


def pumps(number: int, rows: int = 4_000) -> pd.DataFrame:
    """A month without labels, so that no training begins."""
    return data.month(number, rows).drop(columns=data.LABEL)


def parquet(table: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), stream, row_group_size=1_000)
    return stream.getvalue()


def close(loop: Loop, name: str, parts: dict[str, bytes]) -> Ended:
    """How intake ended for a folder of parts that a manifest closes."""
    for part, body in parts.items():
        loop.s3.put_object(Bucket=loop.data["DropsBucket"], Key=f"tiny/data/{name}/{part}", Body=body)
    return loop.drop(f"{name}/_MANIFEST.json", manifest(parts))


def manifest(parts: dict[str, bytes]) -> bytes:
    files = [
        {"key": part, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for part, body in parts.items()
    ]
    return json.dumps({"files": files}).encode()


def runs(loop: Loop) -> list[dict[str, Any]]:
    """Map runs of all intake executions, oldest first."""
    found = [
        loop.states.describe_map_run(mapRunArn=run["mapRunArn"])
        for execution in loop.executions("intake")
        for run in loop.states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    ]
    return sorted(found, key=lambda run: run["startDate"])


def kinds(subject: str) -> list[str]:
    return [entry.kind for entry in Stage().ledger("tiny").entries("drop.", subject)]


def in_one_pass(folder: Path, model: Path, parts: dict[str, bytes]) -> Any:
    """The report that the gate gives when it reads the files itself."""
    folder.mkdir()
    for part, body in (parts | {"_MANIFEST.json": manifest(parts)}).items():
        (folder / part).write_bytes(body)
    spec = load_spec_file(model / "model.yaml")
    return rounded(json.loads(json.dumps(judge_drop(local_drop(folder, spec.data), Gate.of(spec.data)).to_json())))


def report(loop: Loop, ended: Ended) -> Any:
    bucket, _, key = ended.output["validation"]["report"].removeprefix("s3://").partition("/")
    stored = json.loads(loop.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return rounded({name: value for name, value in stored.items() if name != "file"})


def test_a_large_drop_is_validated_in_shares_with_the_report_of_one_pass(
    loop: Loop, model: Path, tmp_path: Path
) -> None:
    parts = {f"{number}.parquet": parquet(pumps(number)) for number in (1, 2, 3)}
    ended = close(loop, "spring", parts)
    assert (ended.status, ended.state) == ("SUCCEEDED", "Accepted")
    hashing, run = runs(loop)
    assert [(each["status"], each["maxConcurrency"]) for each in (hashing, run)] == [("SUCCEEDED", 2)] * 2
    assert hashing["itemCounts"]["succeeded"] == len(parts), "a share has 30 kB, and no object is cut to be hashed"
    assert run["itemCounts"]["succeeded"] == len(ended.output["plan"]["shares"]) > len(parts)
    found = report(loop, ended)
    assert found["rows"] == 12_000
    assert found == in_one_pass(tmp_path / "spring", model, parts)
    assert kinds(ended.output["claim"]["drop"]["id"]) == ["drop.claimed", "drop.planned", "drop.accepted"]


def test_a_small_drop_is_read_in_one_pass(loop: Loop) -> None:
    before = len(runs(loop))
    assert close(loop, "small", {"a.parquet": parquet(pumps(5, 300))}).state == "Accepted"
    assert len(runs(loop)) == before


def test_hostile_files_are_quarantined_once_and_nothing_is_retried(loop: Loop) -> None:
    whole = parquet(pumps(4, 6_000))
    parts = {
        "a.parquet": whole,
        "b.parquet": whole[: len(whole) // 2],
        "c.csv": b"PK\x03\x04" + bytes(50_000),
        "d.parquet": whole[:1_000] + bytes(40_000) + whole[41_000:],
    }
    ended = close(loop, "hostile", parts)
    assert (ended.status, ended.state) == ("SUCCEEDED", "Quarantined")
    told = {name for found in report(loop, ended)["findings"] for name in parts if name in found["message"]}
    assert told == {"b.parquet", "c.csv", "d.parquet"}
    assert kinds(ended.output["claim"]["drop"]["id"]) == ["drop.claimed", "drop.planned", "drop.quarantined"]
    run = runs(loop)[-1]
    assert run["executionCounts"]["failed"] == 0
    children = loop.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    executions = [run["executionArn"], *(child["executionArn"] for child in children)]
    assert len(executions) == 1 + run["itemCounts"]["total"]
    assert [arn for arn in executions if event_types(loop, arn) & {"LambdaFunctionFailed", "TaskFailed"}] == []


def event_types(loop: Loop, execution: str) -> set[str]:
    pages = loop.states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return {event["type"] for page in pages for event in page["events"]}


def test_a_refused_drop_is_accepted_by_a_replay_after_the_contract_changed(loop: Loop, model: Path) -> None:
    table = pumps(6, 8_000)
    table.loc[[5, 7_000], "site"] = "east"
    refused = close(loop, "east", {"a.parquet": parquet(table.iloc[:4_000]), "b.parquet": parquet(table.iloc[4_000:])})
    (finding,) = refused.output["validation"]["findings"]
    assert (refused.state, finding["rule"], finding["column"]) == ("Quarantined", "domain", "site")
    edit(model, DOMAIN, DOMAIN.replace("]", ", east]"))
    deploy_model(loop.cloud, str(model))
    stage, drop = Stage(), refused.output["claim"]["drop"]["id"]
    entries = stage.ledger("tiny").entries("drop.")
    loop.settle("intake")
    start_replay(stage, "tiny", find_refused(entries, "tiny", drop), entries[-1].at)
    assert loop.next("intake").state == "Accepted"
    assert kinds(drop)[-3:] == ["drop.claimed", "drop.planned", "drop.accepted"]


def test_much_captured_traffic_becomes_one_window_in_shares(loop: Loop) -> None:
    at = datetime.fromisoformat(loop.cloud.now())
    for number in range(4):
        time = at - timedelta(hours=number + 1)
        records = [{"id": 1_000 * number + n, "load": 50.0, "heat": 20.0, "age": 3, "site": "west"} for n in range(100)]
        lines = [captured("main", number, n, time, record) for n, record in enumerate(records)]
        key = f"tiny/capture/{loop.prefix}/main/{time:%Y/%m/%d/%H}/{time:%M-%S}-000-f.jsonl"
        loop.s3.put_object(Bucket=loop.data["CapturesBucket"], Key=key, Body=b"".join([*lines, lines[0]]))
    loop.settle("monitoring")
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{loop.prefix}-monitoring"
    loop.states.start_execution(
        stateMachineArn=machine, input=json.dumps({"model": "tiny", "at": at.isoformat()}), name="traffic"
    )
    ended = loop.next("monitoring")
    assert (ended.status, ended.state) == ("SUCCEEDED", "Measured"), ended.output
    (window,) = Stage().ledger("tiny").entries("window.collected")
    assert (window.data["rows"], window.data["repeats"], window.data["files"]) == (400, 4, 4)
    assert ended.output["decoded"] == [101] * 4


def captured(variant: str, file: int, number: int, time: datetime, record: dict[str, Any]) -> bytes:
    """A line as SageMaker writes it of a request for one record."""
    request = {"observedContentType": "application/jsonlines", "mode": "INPUT", "encoding": "JSON"}
    answer = request | {"mode": "OUTPUT", "data": json.dumps({"id": record["id"], "score": 0.5, "version": 1}) + "\n"}
    request |= {"data": json.dumps(record) + "\n"}
    metadata = {"eventId": f"{variant}-{file}-{number}", "inferenceTime": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    line = {"captureData": {"endpointInput": request, "endpointOutput": answer}, "eventMetadata": metadata}
    return json.dumps(line).encode() + b"\n"


def test_every_permission_for_shares_was_needed(loop: Loop) -> None:
    listed = [excuse for excuse in judging.excuses() if "Share" not in excuse.role and "states:" not in excuse.action]
    found = [one for one in judging.unneeded(loop.cloud, "trimtab-") if not any(e.covers(one) for e in listed)]
    others = [str(one) for one in found if "Share" in one.role.name and one.action != COMES_TWICE]
    assert others == []
    for machine in ("StepsIntakeRole", "StepsMonitoringRole"):
        unused = {one.action for one in found if machine in one.role.name and one.action.startswith("states:")}
        assert unused == WATCHING, machine
