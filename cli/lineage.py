"""`trimtab lineage`: what made a version; and SageMaker's lineage told that it serves."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.tree import Tree

from cli.options import JsonOption, StageOption
from cli.stage import CommandError, Stage
from cli.versions import Recorded, VersionReference, parse, read_json, recorded
from trimtab.ports import Entry
from trimtab.rollout.reigns import reigns

_WIDTH = 400
"""Of the tree: a digest that is cut short tells nothing."""


def lineage(
    version: VersionReference,
    note: Annotated[bool, typer.Option("--note", help="Tell SageMaker's lineage that it is what serves.")] = False,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Print what made VERSION: data, code, image, parameters, judgement, and what became of it."""
    where = Stage(stage)
    if note:
        print(noted(where, version))
        return
    found = recorded(where, version)
    made = what_made(found, read_json(where, found.record["dataset"]["manifest"]), where.ledger(found.model).entries())
    if as_json:
        print(json.dumps(made, default=str))
        return
    show(made, Console(highlight=False, width=_WIDTH))


def noted(stage: Stage, reference: str) -> str:
    """ARN of the deployment that lineage knows of now. Raises CommandError for a version that does not serve."""
    from trimtab.aws.lineage import SageMakerLineage  # boto3, which most commands do without
    from trimtab.rollout.deployment import Deployment

    model, version = parse(reference)
    history = reigns(stage.ledger(model).entries())
    if not history or history[-1].version != version:
        serves = f"version {history[-1].version} does" if history else "none does"
        raise CommandError(f"{reference} does not serve; {serves}, and lineage tells of what serves")
    reign = history[-1]
    by = f"{reign.began.subject}, noted {datetime.now(UTC).isoformat()}"
    champion = {**reign.champion, "config": reign.config}
    told = Deployment(champion, stage.names(model).endpoint, by).note(SageMakerLineage(stage.client("sagemaker")))
    if "error" in told:
        raise CommandError(told["error"])
    return told["action"]


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
