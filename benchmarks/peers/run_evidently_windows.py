"""evidently's default data drift preset on each window, against the reference.

Arguments: a folder with ``reference.parquet``, ``served.parquet`` and ``about.json``. Prints by window which kinds
alert: ``dataset`` when at least half of the columns have drifted, its default, and ``drift`` when any has.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")
HALF = 0.5


def main() -> None:
    """One report for each window."""
    folder = Path(sys.argv[1])
    about: dict[str, Any] = json.loads((folder / "about.json").read_text())
    numbers = [name for name in about["features"] if name not in about["categories"]]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=about["categories"])
    reference = dataset(pd.read_parquet(folder / "reference.parquet"), about, definition)
    served = pd.read_parquet(folder / "served.parquet")
    found = {}
    for window, rows in served.groupby("_window"):
        result = Report([DataDriftPreset()]).run(dataset(rows, about, definition), reference)
        counted = next(
            each["value"] for each in result.dict()["metrics"] if "DriftedColumnsCount" in each["metric_name"]
        )
        found[str(window)] = {"dataset": counted["share"] >= HALF, "drift": counted["count"] > 0}
    print(json.dumps(found))


def dataset(rows: pd.DataFrame, about: dict[str, Any], definition: DataDefinition) -> Dataset:
    """The features, categories as texts."""
    features = rows[about["features"]].astype({name: str for name in about["categories"]})
    return Dataset.from_pandas(features, data_definition=definition)


main()
