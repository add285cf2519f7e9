"""`bin/trimtab` as a process."""

import subprocess
from pathlib import Path

TRIMTAB = Path(__file__).resolve().parents[3] / "bin" / "trimtab"


def test_the_command_starts_and_brings_pyarrow_without_pandas(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,name\n1,a\n2,b\n")
    done = subprocess.run([TRIMTAB, "data", "suggest", tmp_path / "rows.csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "name" in done.stdout
