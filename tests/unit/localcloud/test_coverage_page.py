"""docs/local-cloud-coverage.md says what the code says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "local-cloud-coverage.md"


def test_the_coverage_page_is_current() -> None:
    command = [sys.executable, "-m", "localcloud.coverage"]  # a process of its own: making the tables changes moto
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    made = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    assert made == PAGE.read_text(encoding="utf-8"), (
        "make it anew: .venv/bin/python -m localcloud.coverage > docs/local-cloud-coverage.md"
    )
