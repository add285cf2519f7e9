"""`trimtab validate FILE`: is this model.yaml right?"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from trimtab.errors import SpecError
from trimtab.spec import Spec, load_spec_file
from trimtab.spec.features import Custom


def validate(
    files: Annotated[list[Path], typer.Argument(help="model.yaml files.")],
) -> None:
    """Check model.yaml files; every mistake is printed with its line. Scripts that they name are looked for."""
    for file in files:
        spec = load_spec_file(file)
        if missing := list(_missing(file.parent, spec)):
            raise SpecError("\n".join(f"{file}: {each}" for each in missing))
        print(f"{file}: {spec.name}: {len(spec.data.features)} features, {spec.problem}, label {spec.data.label}")


def _missing(folder: Path, spec: Spec) -> Iterator[str]:
    """What the spec names in files beside it and is not there."""
    script = spec.training.entry_point
    if not (folder / script).is_file():
        yield f"training.entry_point names {script}, and there is no such file in {folder}"
    else:
        _parsed(folder / script)
    rules = spec.features.rules if spec.features else ()
    asked = {step.name for rule in rules for step in rule.steps if isinstance(step, Custom)}
    for name in sorted(asked - _defined(folder / "features.py")):
        yield f"features asks for the custom '{name}', which {folder / 'features.py'} does not define"


def _defined(source: Path) -> set[str]:
    """Names that a module defines or imports; none without the file."""
    if not source.is_file():
        return set()
    names: set[str] = set()
    for node in _parsed(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _parsed(source: Path) -> ast.Module:
    try:
        return ast.parse(source.read_bytes(), str(source))
    except SyntaxError as error:
        raise SpecError(f"{source}:{error.lineno}: {error.msg}") from error
