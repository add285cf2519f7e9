"""whylogs: a profile of each table; it checks no contract and its drift is left out."""

import json
import sys

import pandas as pd
import whylogs


def main() -> None:
    """The profile of the current table; the reference's is stored, as the gate's is."""
    path = sys.argv[1]
    frame = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    view = whylogs.log(frame).view()
    print(json.dumps({"columns": len(view.get_columns())}))


main()
