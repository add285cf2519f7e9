"""`trimtab data`: the gate on files of this machine."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
import yaml

from cli.data_tables import show_check, show_drift
from cli.errors import CommandError
from cli.options import JsonOption
from trimtab.contracts import CLOSING
from trimtab.data.contract import Occasion
from trimtab.data.drift import DriftRules
from trimtab.data.keys import KeySet
from trimtab.data.local_drop import LocalDrop, judge_drop, local_drop, manifest_of
from trimtab.data.profile import Profile
from trimtab.data.read import Format, format_of, read_table
from trimtab.data.report import DropReport, unreadable
from trimtab.data.sandbox import Outcome, run
from trimtab.data.suggest import Named, read_sample, suggest
from trimtab.data.together import told_apart
from trimtab.data.validate import Gate, validate
from trimtab.errors import DataError, TrimtabError
from trimtab.reports.drop_report import DropFile, report_html, report_json
from trimtab.spec import DataSpec, Spec, load_spec_file

app = typer.Typer(no_args_is_help=True)
QUARANTINED = 3
"""Exit status of a check that refuses the file."""
MEMORY_MB, SECONDS = 4096, 1800
_STAND_INS = ("(row)", "(label)")
"""Columns that a contract needs and a file that is only compared may lack."""
DropKind = Literal["data", "truth"]
FileArgument = Annotated[Path, typer.Argument(help="Parquet, CSV or JSON Lines; a folder is a drop of many files.")]
ModelOption = Annotated[str, typer.Option("--model", help="Name under models/, or path of a model.yaml.")]
FormatOption = Annotated[str | None, typer.Option("--format", help="parquet, csv or jsonl, when the name lies.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write the report as a page to this file.")]


@app.command()
def check(
    file: FileArgument,
    model: ModelOption,
    truth: Annotated[bool, typer.Option("--truth", help="The file holds late labels.")] = False,
    reference: Annotated[Path | None, typer.Option(help="profile.json or a file to measure drift against.")] = None,
    keys: Annotated[list[str] | None, typer.Option(help="NAME=FILE: keys of another data set.")] = None,
    at: Annotated[datetime | None, typer.Option(help="When the file counts as dropped; now by default.")] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the gate of MODEL would do with FILE.

    Exit status 0: accepted, perhaps with warnings; 3: refused; 1: the command could not be carried out.
    """
    with _never_accepted(file, model, as_json=as_json):
        spec = find_model(model)
        drop = local_drop(_existing(file), spec.data)
        now = at.replace(tzinfo=UTC) if at and at.tzinfo is None else at or datetime.now(UTC)
        occasion = Occasion(now, {name: _keys(path) for name, path in map(_named_file, keys or ())})
        known = _profile(reference, spec.data) if reference else None
        about = _about(drop, spec, occasion, "truth" if truth else "data")
        outcome = _tried(_judged, drop, spec, known, occasion, about)
        answer = _beyond_reading(spec, outcome.failure, about) if outcome.failure else _answer(outcome)
        _written(html, answer)
    print(answer["json"]) if as_json else show_check(json.loads(answer["json"]))
    sys.exit(QUARANTINED if json.loads(answer["json"])["verdict"] == "quarantine" else 0)


@app.command("suggest")
def suggest_contract(
    file: Annotated[Path, typer.Argument(help="A sample: Parquet, CSV or JSON Lines.")],
    identifier: Annotated[str | None, typer.Option("--id", help="Column that names a row.")] = None,
    event_time: Annotated[str | None, typer.Option("--event-time", help="Column of event times.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="Column that is predicted.")] = None,
    format: FormatOption = None,
) -> None:
    """Write the data section of a model.yaml from FILE: types, ranges, domains and patterns as the file shows them."""
    section = _apart(_suggested, _existing(file), _format(file, format), Named(identifier, event_time, label))
    print(f"# Suggested from {file.name}. Read every line: a range is what was seen, and not yet what is right.")
    print(as_yaml(section), end="")


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The file to compare with.")],
    after: Annotated[Path, typer.Argument(help="The file that may differ.")],
    model: Annotated[str | None, typer.Option("--model", help="Contract of both; suggested without one.")] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two files column by column: drift of AFTER from BEFORE."""
    _existing(before), _existing(after)
    spec = find_model(model) if model else _as_spec(_apart(_contract_of, before))
    known, drop = _profile(before, spec.data), local_drop(after, spec.data)
    about = _about(drop, spec, Occasion(), "comparison")
    answer = _apart(_compared, drop, spec, known, replace(about, uri=f"{after}, compared with {before}"))
    document = json.loads(answer["json"])
    _written(html, answer)
    if as_json:
        print(json.dumps({"before": str(before), "after": str(after), "drift": document["drift"]}))
    else:
        show_drift(document["drift"])


@app.command("keys")
def store_keys(
    file: Annotated[Path, typer.Argument(help="The data set that others refer to.")],
    column: Annotated[str, typer.Option("--column", help="Its key.")],
    out: Annotated[Path, typer.Option("--out", help="Where the keys go, for example carriers.json.")],
) -> None:
    """Write the keys in a column of FILE, which columns of a model may refer to."""
    body = _apart(_key_set, _existing(file), _format(file, None), column)
    out.write_text(body, encoding="utf-8")
    print(f"{out}: upload it to MODEL/references/NAME.json in the artifacts bucket, or name it with check --keys")


@app.command("manifest")
def write_manifest(
    folder: Annotated[Path, typer.Argument(help="The files of one drop; they are not read as data.")],
) -> None:
    """Write FOLDER/_MANIFEST.json, which closes a drop of many files: keys, sizes and SHA-256."""
    if not _existing(folder).is_dir():
        raise CommandError(f"{folder} is a file; a manifest closes a folder")
    closing = folder / CLOSING["manifest"]
    closing.write_bytes(manifest_of(folder))
    print(f"{closing}: upload the files of the folder below MODEL/data/{folder.resolve().name}/, and this one last")


@contextmanager
def _never_accepted(file: Path, model: str, *, as_json: bool) -> Iterator[None]:
    """Where a check cannot be carried out, its JSON says so too, and whoever reads only the verdict accepts nothing."""
    try:
        yield
    except (CommandError, TrimtabError, OSError) as error:
        if as_json:
            about = DropFile(model, "", "data", str(file), "", 0, "")
            print(report_json(unreadable("unknown", str(error), rule="not_checked"), about).decode())
        raise


def find_model(name: str) -> Spec:
    """The spec of ``models/<name>``, or of a path. Raises CommandError when there is none."""
    paths = [Path("models") / name / "model.yaml", Path(name), Path(name) / "model.yaml"]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        known = ", ".join(sorted(path.parent.name for path in Path("models").glob("*/model.yaml"))) or "none"
        raise CommandError(f"no model is called '{name}' here; under models/ there are: {known}")
    return load_spec_file(found)


def as_yaml(section: dict[str, Any]) -> str:
    """The section as an author would write it: a line for every column."""
    lines = ["data:"]
    for key, value in section.items():
        if key != "columns":
            lines.append(f"  {_inline({key: value})[1:-1]}")
            continue
        lines.append("  columns:")
        lines += [f"    {_key(name)}: {_inline(column)}" for name, column in value.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    text = _inline(name).removesuffix("...").strip()
    return json.dumps(name) if "\n" in text else text


def _inline(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True).strip()


def _existing(file: Path) -> Path:
    if not file.exists():
        raise CommandError(f"{file} does not exist")
    if not (file.is_file() or file.is_dir()):
        raise CommandError(f"{file} is neither a file nor a folder: save what it gives as a file")
    return file


def _written(page: Path | None, answer: dict[str, str]) -> None:
    if page:
        page.write_text(answer["html"], encoding="utf-8")


def _format(file: Path, said: str | None) -> Format:
    known: tuple[Format, ...] = get_args(Format)
    if said is None:
        return format_of(file.name, "csv")
    if (found := next((format for format in known if format == said), None)) is None:
        raise CommandError(f"'{said}' is no format; there are {', '.join(known)}")
    return found


def _apart(work: Callable[..., Any], *args: Any) -> Any:
    """What ``work`` returns in a child process with limits, so that no file can do harm. Raises CommandError."""
    outcome = _tried(work, *args)
    if outcome.failure is not None:
        raise CommandError(outcome.failure)
    return _answer(outcome)


def _tried(work: Callable[..., Any], *args: Any) -> Outcome:
    return run(_answered, (work, args), memory_mb=MEMORY_MB, seconds=SECONDS, trace=False)


def _answer(outcome: Outcome) -> Any:
    if "refusal" in outcome.value:
        raise CommandError(outcome.value["refusal"])
    return outcome.value["answer"]


def _answered(work: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return {"answer": work(*args)}
    except (DataError, OSError) as error:
        return {"refusal": str(error)}


def _about(drop: LocalDrop, spec: Spec, occasion: Occasion, kind: DropKind | Literal["comparison"]) -> DropFile:
    at = occasion.at.isoformat() if occasion.at else ""
    return DropFile(spec.name, "", kind, str(drop.path), "", drop.size, at)


def _judged(drop: LocalDrop, spec: Spec, known: bytes | None, occasion: Occasion, about: DropFile) -> dict[str, str]:
    profile = Profile.loads(known) if known else None
    kind: DropKind = "truth" if about.kind == "truth" else "data"
    gate = Gate.of(spec.data, profile, kind=kind, rules=DriftRules.of(spec.monitoring), occasion=occasion)
    return _reported(told_apart(judge_drop(drop, gate), gate), about)


def _compared(drop: LocalDrop, spec: Spec, known: bytes, about: DropFile) -> dict[str, str]:
    """The report on a drop as far as it tells of drift. Raises DataError when the drop cannot be read."""
    gate = Gate.of(spec.data, Profile.loads(known), rules=DriftRules.of(spec.monitoring))
    report = told_apart(judge_drop(drop, gate), gate)
    if not report.columns:
        raise DataError(f"{drop.path} cannot be compared: {report.violations[0].message}")
    moved = tuple(found for found in report.violations if found.rule == "drift")
    return _reported(replace(report, violations=moved, rows_in_violation=0), about)


def _beyond_reading(spec: Spec, failure: str, about: DropFile) -> dict[str, str]:
    """The report on a drop whose reading crashed or went beyond its limits: refused, as in the pipeline."""
    return _reported(unreadable(spec.data.format, failure, rule="limits"), about)


def _reported(report: DropReport, about: DropFile) -> dict[str, str]:
    page = report_html(report, about)
    return {"json": report_json(report, about).decode(), "html": page.decode()}


def _suggested(file: Path, format: Format, named: Named) -> dict[str, Any]:
    with file.open("rb") as stream:
        return suggest(read_sample(stream, format), format, named)


def _contract_of(file: Path) -> dict[str, Any]:
    """A contract for comparing only: all columns count but one that names the rows; id and label may be stand-ins."""
    with file.open("rb") as stream:
        format = format_of(file.name, "csv")
        sample = read_sample(stream, format)
    rows = list(range(sample.table.num_rows))
    for name in _STAND_INS:
        sample = replace(sample, table=sample.table.append_column(name, [rows]))
    return suggest(sample, format, Named(label=_STAND_INS[-1]))


def _as_spec(section: dict[str, Any]) -> Spec:
    document = {"name": "suggested", "data": section, "training": {"entry_point": "train.py"}}
    return Spec.model_validate(document)


def _profile(file: Path, data: DataSpec) -> bytes:
    """A stored profile, or that of a file of data."""
    if _existing(file).name.endswith("profile.json") or file.name == "baseline.json":
        return file.read_bytes()
    return str(_apart(_profiled, file, data)).encode()


def _profiled(file: Path, data: DataSpec) -> str:
    with file.open("rb") as stream:
        profile = validate(stream, format_of(file.name, data.format), data).profile
    if profile is None:
        raise DataError(f"{file} cannot be read, so nothing can be compared with it; check it first")
    return profile.dumps().decode()


def _named_file(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator:
        raise CommandError(f"'{text}' is not NAME=FILE")
    return name, _existing(Path(path))


def _keys(path: Path) -> KeySet:
    return KeySet.loads(path.read_bytes())


def _key_set(file: Path, format: Format, column: str) -> str:
    with file.open("rb") as stream:
        sample = read_sample(stream, format)
        if column not in sample.table.column_names:
            raise DataError(f"no column is called '{column}'; there are {', '.join(sample.table.column_names)}")
        kind = "integer" if str(sample.table.schema.field(column).type).startswith(("int", "uint")) else "string"
        stream.seek(0)
        table = read_table(stream, format, _one_column(column, kind, format))
    return KeySet.of(kind, table.column(column)).dumps().decode()


def _one_column(column: str, kind: str, format: Format) -> DataSpec:
    columns = {column: {"type": kind}, f"{column} ": {"type": "string"}}
    return DataSpec.model_validate({"format": format, "id": column, "label": column, "columns": columns})
