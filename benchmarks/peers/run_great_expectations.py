"""Great Expectations: the same rules as expectations on a pandas frame; it has no profile and no drift."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from benchmarks.rules import SPEC


def expectations() -> Iterator[Any]:
    """The contract as expectations."""
    for name, column in SPEC["columns"].items():
        if not column["nullable"]:
            yield gxe.ExpectColumnValuesToNotBeNull(column=name)
        if "range" in column:
            low, high = column["range"]
            yield gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        if "domain" in column:
            yield gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(column["domain"]))
        if "pattern" in column:
            yield gxe.ExpectColumnValuesToMatchRegex(column=name, regex=f"^{column['pattern']}$")
    yield gxe.ExpectColumnValuesToBeUnique(column=SPEC["id"])


def main() -> None:
    """The current table held against all expectations."""
    path = sys.argv[1]
    frame = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("tables")
        .add_dataframe_asset("current")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(name="contract", expectations=list(expectations()))
    result = batch.get_batch({"dataframe": frame}).validate(suite, result_format="SUMMARY")
    print(json.dumps({"failed": sum(not found.success for found in result.results)}))


main()
