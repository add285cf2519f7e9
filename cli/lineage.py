"""`trimtab lineage`: what made a version."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.tree import Tree

from cli.options import JsonOption, StageOption
from cli.stage import Stage
from cli.versions import Recorded, VersionReference, read_json, recorded
from trimtab.ports import Entry

_WIDTH = 400
"""Of the tree: a digest that is cut short tells nothing."""


def lineage(version: VersionReference, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Print what made VERSION: data, code, image, parameters, judgement, and what became of it."""
    where = Stage(stage)
    found = recorded(where, version)
    made = what_made(found, read_json(where, found.record["dataset"]["manifest"]), where.ledger(found.model).entries())
    if as_json:
        print(json.dumps(made, default=str))
        return
    show(made, Console(highlight=False, width=_WIDTH))


def what_made(found: Recorded, manifest: Mapping[str, Any], entries: list[Entry]) -> dict[str, Any]:
    """Everything that the record, the dataset's manifest and the ledger say of a version."""
    record = found.record
    return {
        "version": found.name,
        "package_arn": found.package.arn,
        "status": found.package.status,
        "run": record["run"],
        "submitted_by": found.package.properties.get("submitted-by"),
        "dataset": record["dataset"] | {"sources": manifest["sources"], "split": manifest["split"]},
        "code": record["code"],
        "image": record["image"],
        "seed": record["seed"],
        "hyperparameters": record["hyperparameters"],
        "artifact": record["artifact"],
        "evaluation": record["evaluation"],
        "gates": record["gates"],
        "sealed": record["sealed"],
        "decisions": [_decision(entry) for entry in entries if _is_about(entry, found)],
    }


def _is_about(entry: Entry, found: Recorded) -> bool:
    """Whether an entry of the ledger tells of the version's run, or of what was done with its package."""
    named = (entry.data.get("package_arn"), (entry.data.get("champion") or {}).get("package_arn"))
    return entry.subject == found.record["run"] or found.package.arn in named


def _decision(entry: Entry) -> dict[str, Any]:
    return {"seq": entry.seq, "at": entry.at.isoformat(), "kind": entry.kind, "summary": entry.data.get("summary", "")}


def show(made: Mapping[str, Any], console: Console) -> None:
    """The same as a tree."""
    tree = Tree(f"[bold]{made['version']}[/bold]  {made['status']}, run {made['run']}, by {made['submitted_by']}")
    dataset = made["dataset"]
    data = tree.add(f"dataset {dataset['digest']}: {dataset['rows_train']:,} + {dataset['rows_holdout']:,} rows")
    for source in dataset["sources"]:
        data.add(f"{source['kind']} s3://{source['bucket']}/{source['key']} version {source['version']}")
    tree.add(f"code {made['code']['uri']} sha256 {made['code']['sha256']}")
    tree.add(f"image {made['image']['uri']} {made['image']['digest'] or '(its registry tells no digest)'}")
    parameters = tree.add(f"seed {made['seed']}")
    for name, value in made["hyperparameters"].items():
        parameters.add(f"{name} = {value}")
    tree.add(f"model {made['artifact']['uri']} sha256 {made['artifact']['sha256']}")
    judged = tree.add("judged by")
    for gate in made["gates"]:
        judged.add(f"{gate['name']}: {gate['outcome']}, {gate['message']}")
    decided = tree.add("decided")
    for entry in made["decisions"]:
        decided.add(f"#{entry['seq']} {entry['at'][:19]} {entry['kind']}: {entry['summary']}")
    console.print(tree)
