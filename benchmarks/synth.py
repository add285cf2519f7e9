"""What `cdk synth` of one model takes, as a multiple of an app with one bucket; processor seconds of whole processes.

python -m benchmarks.synth
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
PAIRS = 5
BARE = """
import sys
from aws_cdk import App, Stack, aws_s3
app = App(outdir=sys.argv[1])
aws_s3.Bucket(Stack(app, "bare"), "Bucket")
app.synth()
"""
OURS = """
import sys
from pathlib import Path
from stacks.synthesis import synthesize
synthesize(Path(sys.argv[1]), models=["flights"])
"""


def seconds(script: str, folder: Path) -> float:
    """User and system time of a fresh process and of the CDK's own, from start to the written assembly."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/layers/runtime", "CDK_VALIDATION": "false"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Pairs in turn, after one of each that may have to compile."""
    with tempfile.TemporaryDirectory() as folder:
        places = (Path(folder) / str(number) for number in range(2 * PAIRS + 2))
        pairs = [(seconds(BARE, next(places)), seconds(OURS, next(places))) for _ in range(PAIRS + 1)][1:]
    ratios = [ours / bare for bare, ours in pairs]
    bare, ours = median(bare for bare, _ in pairs), median(ours for _, ours in pairs)
    print(f"one bucket: {bare:.1f} s; one model and what a stage shares: {ours:.1f} s; x {median(ratios):.1f}")


if __name__ == "__main__":
    main()
