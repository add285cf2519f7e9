"""Profile and drift of a table in a lake: spark-submit job.py --spec model.yaml --data s3://… --output FOLDER

Inputs but the data are local files and outputs go to a local folder, as SageMaker Processing mounts and uploads them
(inputs below /opt/ml/processing/input, the output at /opt/ml/processing/output).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from trimtab.data.drift import compare
from trimtab.data.profile import Profile
from trimtab.lake.profile import SETTINGS, profile_frame
from trimtab.spec import load_spec_file


def main(arguments: Sequence[str] | None = None) -> None:
    """profile.json is in the output folder, and drift.json when there is a reference. Raises TrimtabError."""
    asked = _parser().parse_args(arguments)
    spec = load_spec_file(asked.spec)
    session = _session()
    frame = session.read.format(asked.format).load(asked.data)
    profile = profile_frame(frame, spec.data)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "profile.json").write_bytes(profile.dumps())
    if asked.reference:
        drift = compare(Profile.loads(asked.reference.read_bytes()), profile, spec.data.features)
        document = {"rows": profile.rows, "columns": [column.to_json() for column in drift]}
        (asked.output / "drift.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    session.stop()


def _session() -> SparkSession:
    builder = SparkSession.builder.appName("trimtab-profile")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spec", type=Path, required=True, help="model.yaml, or the model.json of the spec layer")
    parser.add_argument("--data", required=True, help="what Spark loads, for example s3://bucket/prefix/")
    parser.add_argument("--format", default="parquet", help="format of the data (default: parquet)")
    parser.add_argument("--reference", type=Path, help="profile.json that drift is measured against")
    parser.add_argument("--output", type=Path, required=True, help="folder for profile.json and drift.json")
    return parser


if __name__ == "__main__":
    main()
