"""The gate: contract, profile and drift of a file against a stored profile.

    gate.py FILE PROFILE [--spec] [--numpy] [REPEATS]

``--spec`` builds the contract from a model.yaml's data section (imports pydantic); without it the contract is plain
objects, so that only the core is measured. ``--numpy`` does without the compiled kernel. A profile that is not there
yet is written from the file.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from trimtab.data.kernel.arrays import ArrayKernel
from trimtab.data.kernel.choice import kernel, use
from trimtab.data.profile import Profile
from trimtab.data.validate import Gate, conclude, examine


def gate_of(reference: Profile | None, *, spec: bool) -> Gate:
    """What the file is held against."""
    if not spec:
        from benchmarks.contract import plain_gate

        return plain_gate(reference)
    from benchmarks.rules import SPEC
    from trimtab.spec import DataSpec

    return Gate.of(DataSpec.model_validate(SPEC), reference)


def main(path: Path, profile: Path, *, spec: bool, repeats: int) -> dict[str, Any]:
    """The report's gist and the CPU seconds of each repetition."""
    format: Any = path.suffix[1:]
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        reference = Profile.loads(profile.read_bytes()) if profile.exists() else None
        gate = gate_of(reference, spec=spec)
        with path.open("rb") as stream:
            report = conclude([examine(stream, format, gate)], gate)
        seconds.append(time.process_time() - start)
    if reference is None and report.profile is not None:
        profile.write_bytes(report.profile.dumps())
    found = {violation.rule: violation.count for violation in report.violations}
    psi = {drift.column: drift.psi for drift in report.drift[:3]}
    return {
        "rows": report.rows,
        "kernel": kernel().name,
        "verdict": report.verdict,
        "found": found,
        "psi": psi,
        "seconds": seconds,
    }


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--numpy" in sys.argv:
        use(ArrayKernel())
    answer = main(
        Path(words[0]), Path(words[1]), spec="--spec" in sys.argv, repeats=int(words[2]) if len(words) > 2 else 1
    )
    print(json.dumps(answer))
