"""A pointer is dropped into the deployed app: the Spark job really runs, and its verdict is the drop's.

Needs Spark and a Java (`make lake-pipeline` brings both); the steps build on each other.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, start_local_cloud
from tests.local.loop_support import FIXTURE, PREFIX, Ended, Loop, deploy, environment
from tests.local.mutation import judging
from tests.unit.data.samples import rounded
from trimtab.data.local_drop import DropFile, LocalDrop, judge_drop
from trimtab.data.report import DropReport
from trimtab.data.validate import Gate
from trimtab.spec import load_spec_file, parse_spec

BUCKET = "pump-lake"
LAKE = f"s3://{BUCKET}/pumps/"
JOB_SECONDS = 300
COMES_TWICE = "kms:Decrypt"
"""With reading and with writing of one key: either statement is enough."""
IN_THE_ROLES_NAME = ("cloudwatch:PutMetricData", "ecr:", "logs:")
"""What SageMaker does so, and the local cloud in its own."""
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture model, whose drops may point to a lake."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(ROOT / FIXTURE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    spec = folder / "model.yaml"
    spec.write_text(spec.read_text().replace("data:\n", f"data:\n  lake: {{location: '{LAKE}'}}\n", 1))
    return folder


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Loop]:
    cloud, process = start_local_cloud(tmp_path_factory.mktemp("lake"))
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(cloud).items():
            patched.setenv(name, value)
        deploy(cloud, cloud.state_dir, str(model))
        yield Loop(cloud)
    process.terminate()
    process.wait(timeout=20)


def put(loop: Loop, day: str, months: dict[str, pa.Table]) -> dict[str, bytes]:
    """Bodies by name of the table's files, which lie in the lake."""
    bodies = {}
    for name, table in months.items():
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=1_000)
        bodies[name] = sink.getvalue().to_pybytes()
        loop.s3.put_object(Bucket=BUCKET, Key=f"pumps/{day}/{name}", Body=bodies[name])
    return bodies


def pumps(number: int, **changes: Any) -> pa.Table:
    """A month without labels, so that no training begins."""
    month = data.month(number, 4_000).drop(columns=data.LABEL).assign(**changes)
    return pa.Table.from_pandas(month, preserve_index=False)


def point(loop: Loop, day: str) -> Ended:
    loop.settle("intake")
    body = json.dumps({"location": f"{LAKE}{day}/"}).encode()
    loop.s3.put_object(Bucket=loop.data["DropsBucket"], Key=f"tiny/data/{day}/_LAKE.json", Body=body)
    return loop.next("intake", JOB_SECONDS)


def stored(loop: Loop, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(loop.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def by_the_gate(model: Path, bodies: dict[str, bytes], folder: Path) -> DropReport:
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    files = tuple(DropFile(name, folder / name, "parquet") for name in bodies)
    deployed = parse_spec(load_spec_file(model / "model.yaml").canonical_json())  # names are in another order there
    return judge_drop(LocalDrop(folder, files), Gate.of(deployed.data))


def test_a_table_in_the_lake_is_accepted_with_the_gates_own_numbers(loop: Loop, model: Path, tmp_path: Path) -> None:
    bodies = put(loop, "spring", {f"part-{number}.parquet": pumps(number) for number in (1, 2)})
    ended = point(loop, "spring")
    assert (ended.status, ended.state) == ("SUCCEEDED", "Accepted"), ended.output
    expected = by_the_gate(model, bodies, tmp_path)
    assert expected.profile is not None
    validation = ended.output["validation"]
    assert (validation["verdict"], validation["rows"]) == (expected.verdict.value, 8_000)
    assert rounded(stored(loop, validation["profile"])) == rounded(expected.profile.to_json())
    (job,) = jobs(loop)
    assert (job["ProcessingJobStatus"], job["ProcessingJobName"][: len(PREFIX) + 6]) == ("Completed", f"{PREFIX}-lake-")


def jobs(loop: Loop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = loop.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    return found


def test_a_table_that_breaks_the_contract_is_quarantined_and_stays_where_it_is(loop: Loop) -> None:
    put(loop, "east", {"a.parquet": pumps(3, site="east")})
    ended = point(loop, "east")
    assert (ended.status, ended.state) == ("SUCCEEDED", "Quarantined")
    (finding,) = ended.output["validation"]["findings"]
    assert (finding["rule"], finding["column"]) == ("domain", "site")
    drop = ended.output["claim"]["drop"]["id"]
    assert [key.rsplit("/", 1)[-1] for key in loop.keys("DropsBucket", f"tiny/quarantine/{drop}/")] == [
        "_LAKE.json",
        "reason.json",
    ]


def test_a_pointer_that_leads_outside_starts_no_job(loop: Loop) -> None:
    before = len(jobs(loop))
    loop.settle("intake")
    body = json.dumps({"location": "s3://another-lake/pumps/"}).encode()
    loop.s3.put_object(Bucket=loop.data["DropsBucket"], Key="tiny/data/away/_LAKE.json", Body=body)
    ended = loop.next("intake")
    assert (ended.state, ended.output["validation"]["findings"][0]["rule"]) == ("Quarantined", "lake")
    assert len(jobs(loop)) == before


def test_every_permission_on_the_lake_was_needed(loop: Loop) -> None:
    listed = [excuse for excuse in judging.excuses() if "Lake" not in excuse.role]
    found = [one for one in judging.unneeded(loop.cloud, "trimtab-") if not any(e.covers(one) for e in listed)]
    ours = [one for one in found if "Lake" in one.role.name and one.action != COMES_TWICE]
    assert [str(one) for one in ours if not one.action.startswith(IN_THE_ROLES_NAME)] == []
