"""What judging a drop imports; a cold function pays for all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.data.samples import csv, parquet, trips

PROGRAM = """
import sys
from pathlib import Path

class NoPandas:  # as in a function: where pandas is installed, Arrow imports it, and it imports pyarrow.compute
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoPandas())
from tests.unit.data.samples import DATA
from trimtab.data.validate import Gate, conclude, examine

gate = Gate.of(DATA, None)
path = Path(sys.argv[1])
with path.open("rb") as stream:
    report = conclude([examine(stream, path.suffix[1:], gate)], gate)
print(report.rows, "pyarrow.compute" in sys.modules)
"""


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_drop_is_judged_without_arrows_described_functions(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"drop.{format}"
    path.write_bytes({"parquet": parquet, "csv": csv}[format](trips()).getvalue())
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.returncode) == (["400", "False"], 0), done.stderr
