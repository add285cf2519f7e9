"""pandera: the same rules as a schema on a pandas frame, and KS by scipy, for it has neither profile nor drift."""

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from scipy.stats import ks_2samp

from benchmarks.rules import SPEC


def schema() -> Any:
    """The contract as pandera says it."""
    columns = {}
    for name, column in SPEC["columns"].items():
        checks = []
        if "range" in column:
            checks.append(pandera.Check.in_range(*column["range"]))
        if "domain" in column:
            checks.append(pandera.Check.isin(column["domain"]))
        if "pattern" in column:
            checks.append(pandera.Check.str_matches(f"^{column['pattern']}$"))
        columns[name] = pandera.Column(checks=checks, nullable=column["nullable"], unique=name == SPEC["id"])
    return pandera.DataFrameSchema(columns)


def frame(path: str) -> pd.DataFrame:
    """The whole table in memory."""
    return pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)


def main() -> None:
    """Both tables described, the current one validated and compared."""
    current, reference = (frame(path) for path in sys.argv[1:3])
    try:
        schema().validate(current, lazy=True)
        broken = 0
    except pandera.errors.SchemaErrors as errors:
        broken = len(errors.failure_cases)
    current.describe(include="all")
    numbers = current.select_dtypes(np.number).columns
    ks = {name: float(ks_2samp(reference[name].dropna(), current[name].dropna()).statistic) for name in numbers}
    print(json.dumps({"broken": broken, "ks": ks["amount"]}))


main()
