"""All templates through cfn-lint, all state machines through asl-validator: ``python -m stacks.validate [MODEL …]``."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from stacks.packaging import ROOT
from stacks.synthesis import Template, synthesize
from stacks.templates import state_machines

# W3005: CDK makes a function depend on its role besides referring to it, so that the role's policies come first.
_IGNORED = "W3005"


def main(models: list[str]) -> int:
    """Exit code: 0 when no tool has anything to say."""
    os.environ["CDK_VALIDATION"] = "false"  # loads a validator of CDK's own for seconds; cfn-lint does its work here
    with tempfile.TemporaryDirectory(prefix="trimtab-synth-") as scratch:
        folder = Path(scratch)
        templates = synthesize(folder / "cdk.out", models=models)
        codes = [_lint(folder / "cdk.out", templates), _validate(folder, templates)]
        return int(any(codes))  # a tool that was killed has a negative one


def _lint(assembly: Path, templates: dict[str, Template]) -> int:
    paths = [str(assembly / f"{name}.template.json") for name in templates]
    linter = Path(sys.executable).with_name("cfn-lint")
    code = subprocess.run([linter, "--ignore-checks", _IGNORED, "--", *paths], check=False).returncode
    print(f"cfn-lint: {len(paths)} templates, {'no findings' if code == 0 else 'findings above'}")
    return code


def _validate(folder: Path, templates: dict[str, Template]) -> int:
    paths = []
    for stack, template in templates.items():
        for logical_id, definition in state_machines(template).items():
            path = folder / f"{stack}.{logical_id}.asl.json"
            path.write_text(json.dumps(definition), encoding="utf-8")
            paths += ["--json-path", str(path)]
    validator = ROOT / "node_modules" / ".bin" / "asl-validator"
    answer = subprocess.run([validator, *paths], check=False, capture_output=True, text=True)
    if answer.returncode:
        print(answer.stdout + answer.stderr)
    print(f"asl-validator: {len(paths) // 2} state machines, {'findings above' if answer.returncode else 'all valid'}")
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
