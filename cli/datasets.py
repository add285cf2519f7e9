"""`trimtab datasets`: dataset versions, and their rows made again of the files they were made of."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.errors import CommandError
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import Stage
from cli.terminal import wide_console
from trimtab.ledger.kinds import DATASET_BUILT

if TYPE_CHECKING:
    from trimtab.datasets.split import Split
    from trimtab.ports import Entry

app = typer.Typer(no_args_is_help=True)
DigestArgument = Annotated[str, typer.Argument(help="The dataset version's digest, or its beginning.")]


@app.command("list")
def list_datasets(model: ModelArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """List MODEL's dataset versions, the oldest first."""
    found = versions(Stage(stage).ledger(model).entries(DATASET_BUILT))
    if as_json:
        print(json.dumps([{"at": entry.at.isoformat(), **entry.data} for entry in found.values()], default=str))
        return
    shown = Table("dataset", "built", "to learn from", "to judge on", "for run", box=None)
    for digest, entry in found.items():
        rows = (f"{int(entry.data[name]):,}" for name in ("rows_train", "rows_holdout"))
        shown.add_row(digest[:12], f"{entry.at:%Y-%m-%d %H:%M}", *rows, entry.subject)
    wide_console().print(shown)


@app.command()
def show(model: ModelArgument, digest: DigestArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Show what a dataset version was made of, where it was cut, and what was looked for in it."""
    where = Stage(stage)
    manifest, folder = read_manifest(where, model, digest)
    leakage = _optional(where, f"{folder}/leakage.json")
    if as_json:
        print(json.dumps({"digest": folder.rsplit("/", 1)[-1], "manifest": manifest, "leakage": leakage}))
        return
    print("\n".join(described(folder.rsplit("/", 1)[-1], manifest, leakage)))


@app.command("read")
def read_dataset(
    model: ModelArgument,
    digest: DigestArgument,
    out: Annotated[Path, typer.Option("--out", help="Parquet file, or a folder for both sides of the cut.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Make a dataset version's rows again of the very files it was made of, verify them, and write them to OUT.

    To a file go all rows, a column "split" saying on which side of the cut each is; to a folder train.parquet and
    holdout.parquet.
    """
    where = Stage(stage)
    manifest, folder = read_manifest(where, model, digest)
    split = rebuild_from(where, manifest)
    written = write(split, out)
    if as_json:
        sides = {"train": split.train.num_rows, "holdout": split.holdout.num_rows}
        print(json.dumps({"digest": folder.rsplit("/", 1)[-1], "rows": sides, "files": list(map(str, written))}))
        return
    rows = f"{split.train.num_rows:,} training and {split.holdout.num_rows:,} hold-out rows"
    print(f"{rows}, verified against {folder.rsplit('/', 1)[-1][:12]}: {', '.join(map(str, written))}")


@app.command()
def export(
    model: ModelArgument,
    digest: DigestArgument,
    dvc: Annotated[Path, typer.Option("--dvc", help="Folder for .dvc files; a DVC repository, or made one.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Write a dataset version as .dvc files: `dvc pull` there gets its files from the bucket, each by its version."""
    from cli.dvc import export_for_dvc

    where = Stage(stage)
    manifest, folder = read_manifest(where, model, digest)
    whole = folder.rsplit("/", 1)[-1]
    written = list(map(str, export_for_dvc(where, model, whole, manifest, dvc)))
    print(json.dumps({"digest": whole, "files": written}) if as_json else "\n".join(written))


def versions(entries: list[Entry]) -> dict[str, Entry]:
    """The first entry of each dataset version, by its digest."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(str(entry.data["dataset"]), entry)
    return found


def read_manifest(stage: Stage, model: str, digest: str) -> tuple[dict[str, Any], str]:
    """The manifest whose digest begins so, verified, and the folder that holds it. Raises CommandError."""
    import hashlib

    known = versions(stage.ledger(model).entries(DATASET_BUILT))
    found = [name for name in known if name.startswith(digest)]
    if len(found) != 1:
        what = "several dataset versions" if found else "no dataset version"
        raise CommandError(f"{model} has {what} '{digest}'; there are: {', '.join(n[:12] for n in known) or 'none'}")
    uri = str(known[found[0]].data["manifest_uri"])
    body = stage.objects.read(uri)
    if hashlib.sha256(body).hexdigest() != found[0]:
        raise CommandError(f"{uri} is not the manifest that the ledger names: its SHA-256 is another")
    manifest: dict[str, Any] = json.loads(body)
    return manifest, uri.rpartition("/")[0]


def rebuild_from(stage: Stage, manifest: dict[str, Any]) -> Split:
    """The rows of a dataset version. Raises DataError when they are not those of the manifest."""
    from trimtab.datasets.build import rebuild  # Arrow, which most commands do without
    from trimtab.datasets.reading import DropReader
    from trimtab.datasets.recipe import Recipe

    data = Recipe.of_json(manifest["recipe"]).data if "recipe" in manifest else None
    if data is None:
        raise CommandError("this dataset version is older than recipes in manifests: read its train/ and holdout/")
    return rebuild(manifest, DropReader(stage.objects, data).read)


def write(split: Split, out: Path) -> list[Path]:
    """The files written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    is_folder = out.suffix != ".parquet"
    (out if is_folder else out.parent).mkdir(parents=True, exist_ok=True)
    if is_folder:
        paths = [out / "train.parquet", out / "holdout.parquet"]
        for table, path in zip((split.train, split.holdout), paths, strict=True):
            pq.write_table(table, path, compression="zstd")
        return paths
    sides = [
        table.append_column("split", pa.array([side] * table.num_rows, pa.string()))
        for side, table in (("train", split.train), ("holdout", split.holdout))
    ]
    pq.write_table(pa.concat_tables(sides, promote_options="default"), out, compression="zstd")
    return [out]


def described(digest: str, manifest: dict[str, Any], leakage: dict[str, Any] | None) -> list[str]:
    """A dataset version in some lines."""
    split = manifest["split"]
    lines = [f"dataset {digest}", f"cut by {split['by'] or 'order of drops'} at {split['boundary'] or 'no time'}"]
    for side, words in (("train", "to learn from"), ("holdout", "to judge on")):
        said = split[side]
        period = f", {_day(said['period']['start'])} to {_day(said['period']['end'])}" if said["period"] else ""
        lines.append(f"{said['rows']:>12,} rows {words}{period}")
    lines += [f"{source['used']:>12,} of s3://{source['bucket']}/{source['key']}" for source in manifest["sources"]]
    return [*lines, *_leaks(leakage)] if leakage else lines


def _leaks(leakage: dict[str, Any]) -> list[str]:
    known = {name: value for name, value in leakage["columns"].items() if value is not None}
    best = max(known, key=lambda name: known[name], default=None)
    twins = f"{leakage['overlap_share']:.2%} of the hold-out rows equal a training row"
    lines = [f"{twins} ({leakage['expected_overlap_share']:.2%} expected)"]
    if best is not None:
        lines.append(f"the column that alone tells most of the label: {best} ({leakage['measure']} {known[best]:.4f})")
    return [*lines, *leakage["warnings"]]


def _day(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d")


def _optional(stage: Stage, uri: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(stage.objects.read(uri))
    except FileNotFoundError:
        return None
    return found
