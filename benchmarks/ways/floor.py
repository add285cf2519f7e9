"""The floor: every column of the file decoded by pyarrow, and nothing else.

    floor.py FILE [REPEATS]

prints the CPU seconds of each repetition within the process; the first is cold.
"""

import json
import sys
import time


def read(path: str) -> int:
    """Rows of a Parquet or CSV file, all decoded."""
    if path.endswith(".csv"):
        from pyarrow import csv

        options = csv.ReadOptions(use_threads=False, block_size=1 << 20)
        return sum(batch.num_rows for batch in csv.open_csv(path, read_options=options))
    from pyarrow import parquet

    batches = parquet.ParquetFile(path).iter_batches(use_threads=False)
    return sum(batch.num_rows for batch in batches)


if __name__ == "__main__":
    seconds = []
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        start = time.process_time()
        rows = read(sys.argv[1])
        seconds.append(time.process_time() - start)
    print(json.dumps({"rows": rows, "seconds": seconds}))
