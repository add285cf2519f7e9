"""The gate on a table in a lake: spark-submit job.py --spec model.yaml --data s3://… --output FOLDER

Inputs but the data are local files and outputs go to a local folder, as SageMaker Processing mounts and uploads them
(inputs below /opt/ml/processing/input, the output at /opt/ml/processing/output).
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from trimtab.data.contract import Occasion
from trimtab.data.drift import DriftRules
from trimtab.data.keys import KeySet
from trimtab.data.profile import Profile
from trimtab.data.report import DropReport
from trimtab.data.together import told_apart
from trimtab.data.validate import Gate
from trimtab.lake.judge import judge_frame
from trimtab.lake.profile import SETTINGS
from trimtab.spec import Spec, load_spec_file


def main(arguments: Sequence[str] | None = None) -> None:
    """report.json is in the output folder, profile.json too, and drift.json when there is a reference.

    A table that breaks its contract is a report that refuses it, never an error. Raises TrimtabError for a wrong spec.
    """
    asked = _parser().parse_args(arguments)
    session = _session()
    frame = session.read.format(asked.format).load(asked.data)
    gate = _gate(load_spec_file(asked.spec), asked)
    report = told_apart(judge_frame(frame, gate), gate)
    session.stop()
    asked.output.mkdir(parents=True, exist_ok=True)
    _write(report, asked.output)
    print(f"{report.verdict.value}: {report.rows:,} rows, {len(report.violations)} findings")


def _gate(spec: Spec, asked: argparse.Namespace) -> Gate:
    reference = Profile.loads(asked.reference.read_bytes()) if asked.reference else None
    keys = {
        name: KeySet.loads(Path(path).read_bytes()) for name, _, path in (each.partition("=") for each in asked.keys)
    }
    occasion = Occasion(asked.at, keys)
    return Gate.of(spec.data, reference, rules=DriftRules.of(spec.monitoring), occasion=occasion)


def _write(report: DropReport, folder: Path) -> None:
    document = report.to_json()
    (folder / "report.json").write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    if report.profile is not None:
        (folder / "profile.json").write_bytes(report.profile.dumps())
    if report.drift:
        drift = {"rows": report.rows, "columns": document["drift"]}
        (folder / "drift.json").write_text(json.dumps(drift, indent=1), encoding="utf-8")


def _session() -> SparkSession:
    builder = SparkSession.builder.appName("trimtab-gate")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spec", type=Path, required=True, help="model.yaml, or the model.json of the spec layer")
    parser.add_argument("--data", required=True, help="what Spark loads, for example s3://bucket/prefix/")
    parser.add_argument("--format", default="parquet", help="format of the data (default: parquet)")
    parser.add_argument("--reference", type=Path, help="profile.json that drift is measured against")
    parser.add_argument("--keys", action="append", default=[], help="NAME=FILE: stored keys of another data set")
    parser.add_argument("--at", type=_instant, help="when the data count as dropped, for freshness and event window")
    parser.add_argument("--output", type=Path, required=True, help="folder for report.json and profile.json")
    return parser


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


if __name__ == "__main__":
    main()
