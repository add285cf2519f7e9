"""The commands of `trimtab`, each imported when it is asked for: most need what others never do."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True)
class Entry:
    """Where a command, or a group of commands, is defined, and what `--help` says of it."""

    module: str
    name: str
    help: str


COMMANDS: Final = {
    "data": Entry("cli.data", "app", "The data gate on files of this machine."),
    "datasets": Entry("cli.datasets", "app", "Dataset versions, and their rows made again."),
    "drops": Entry("cli.drops", "app", "Drops that were refused."),
    "features": Entry("cli.features", "app", "A model's records in the feature store, as of a time and by id."),
    "local": Entry("cli.local", "app", "The same app on this laptop."),
    "models": Entry("cli.packages", "app", "Versions in the model registry."),
    "drop": Entry("cli.drops", "drop", "Drop FILE for MODEL; the same as copying it into the bucket."),
    "history": Entry("cli.history", "history", "Print everything that was decided for MODEL, in order."),
    "edge": Entry("cli.edge", "app", "Approved versions as signed bundles for devices."),
    "logs": Entry("cli.logs", "logs", "Print the logs of the jobs of RUN."),
    "approve": Entry("cli.packages", "approve", "Approve VERSION of MODEL: staging, tests and the rollout begin."),
    "reject": Entry("cli.packages", "reject", "Reject VERSION of MODEL; a rollout of it goes back."),
    "retraining": Entry("cli.retraining", "app", "Why a model is trained again or not; going on after giving up."),
    "baseline": Entry("cli.baseline", "app", "What production is held against; a person's word on it."),
    "rollout": Entry("cli.rollout", "app", "How a version takes over: its plan, its course, the gates that hold it."),
    "rollback": Entry("cli.rollback", "rollback", "Bring the version of MODEL back that served before, or another."),
    "score": Entry("cli.score", "score", "Score a file of records with MODEL's version that serves, or another."),
    "served": Entry(
        "cli.served", "served", "Print what served MODEL at a time, and the entries of the ledger that prove it."
    ),
    "lineage": Entry("cli.lineage", "lineage", "Print what made VERSION."),
    "drift": Entry(
        "cli.drift", "drift", "Print what moved in production, how MODEL performs, and what was done about it."
    ),
    "cost": Entry("cli.cost", "cost", "Print what a month of MODEL costs by the dated table of prices."),
    "compare": Entry("cli.compare", "compare_versions", "Print what differs between two versions."),
    "reproduce": Entry("cli.reproduce", "reproduce", "Train VERSION again from its record and compare."),
    "validate": Entry("cli.validate", "validate", "Check model.yaml files; every mistake is printed with its line."),
    "schema": Entry("cli.schema", "schema", "Print the JSON Schema of model.yaml, for editors."),
}
"""By the word that follows `trimtab`."""


def load(word: str) -> Any:
    """The command itself, ready to run; its module is imported."""
    entry = COMMANDS[word]
    found = getattr(import_module(entry.module), entry.name)
    root = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        root.add_typer(found, name=word)
        return cast(TyperGroup, get_command(root)).commands[word]
    root.command(word)(found)
    return get_command(root)


class Unloaded(TyperCommand):
    """Stands for a command until it runs."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command that this stands for."""
        return load(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class Commands(TyperGroup):
    """`trimtab` with all its commands, none of them loaded."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for word, entry in COMMANDS.items():
            self.add_command(Unloaded(word, help=entry.help))
