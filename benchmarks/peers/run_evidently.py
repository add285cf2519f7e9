"""evidently: its data summary and data drift presets on two pandas frames."""

import json
import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset, DataSummaryPreset


def frame(path: str) -> pd.DataFrame:
    """The whole table in memory, without the identifier."""
    whole = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    return whole.drop(columns=["event_id"])


def main() -> None:
    """Summary and drift of the current table."""
    current, reference = (frame(path) for path in sys.argv[1:3])
    result = Report([DataSummaryPreset(), DataDriftPreset()]).run(current, reference)
    print(json.dumps({"metrics": len(result.dict()["metrics"])}))


main()
