"""The stage on which the demo plays: the local cloud, its clients, and how to wait and to tell."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from botocore.config import Config
from rich.console import Console

from cli import local
from cli.stage import Stage
from trimtab.aws.ledger_table import LedgerTable
from trimtab.ledger.kinds import MACHINE_FAILED
from trimtab.names import ModelNames
from trimtab.ports import Entry

T = TypeVar("T")
POLL_SECONDS = 0.15
console = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """A step did not end as it should; says which and why."""


@dataclass
class Scene:
    """One running local cloud with the app deployed, seen through AWS's APIs only."""

    model: str
    state_dir: Path
    verbose: bool = False
    source: str = ""
    """Folder of the model, where it is not the one of its name in models/."""
    context: tuple[str, ...] = ()
    """Of the CDK app, beside the model: ``name=value``."""
    running: bool = False
    """Whether the local cloud was started for this demo."""
    stage: Stage = field(default_factory=Stage)
    started: float = field(default_factory=time.monotonic)
    _clients: dict[str, Any] = field(default_factory=dict)
    _known: list[Entry] = field(default_factory=list)

    # telling ---------------------------------------------------------------------------------------------------------

    def say(self, text: str, *, style: str | None = None) -> None:
        """Print one line with the seconds since the start."""
        console.print(f"[dim]{time.monotonic() - self.started:6.1f}s[/dim]  {text}", style=style)

    def tell(self, entry: Entry) -> None:
        """Print a ledger entry's summary."""
        self.say(f"  {entry.kind:<20} {entry.data.get('summary', '')}")

    def title(self, text: str) -> None:
        console.print()
        console.print(f"[bold]{text}[/bold]")

    # reading ---------------------------------------------------------------------------------------------------------

    @property
    def names(self) -> ModelNames:
        return self.stage.names(self.model)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
            self._clients[service] = self.stage.session.client(service, config=config)
        return self._clients[service]

    @cached_property
    def ledger(self) -> LedgerTable:
        return self.stage.ledger(self.model)

    def entries(self, kind_prefix: str = "") -> list[Entry]:
        """What the ledger says by now; read is only what is new since the last call, as it only grows."""
        self._known += self.ledger.after(self._known[-1].seq if self._known else 0)
        return [entry for entry in self._known if entry.kind.startswith(kind_prefix)]

    def mark(self) -> int:
        """Sequence number of the newest ledger entry; entries after it are news."""
        entries = self.entries()
        return entries[-1].seq if entries else 0

    def executions(self, machine: str, most: int = 1000) -> list[dict[str, Any]]:
        """Executions of one of the model's machines, newest first, not more than ``most``."""
        arn, states = self._outputs[f"{machine.title()}Machine"], self.client("stepfunctions")
        found: list[dict[str, Any]] = states.list_executions(stateMachineArn=arn, maxResults=most)["executions"]
        return found

    @cached_property
    def _outputs(self) -> dict[str, str]:
        return self.stage.model(self.model)

    # waiting ---------------------------------------------------------------------------------------------------------

    def wait(self, what: str, check: Callable[[], T | None], seconds: float = 90) -> T:
        """The first true answer of ``check``. Raises DemoError when none came in ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if answer := check():
                return answer
            time.sleep(POLL_SECONDS)
        raise DemoError(f"{what} did not happen within {seconds:.0f} s{self._failures()}")

    def wait_for_entry(self, kinds: Iterable[str], after: int, seconds: float = 90) -> Entry:
        """The first ledger entry of one of ``kinds`` with a sequence number above ``after``."""
        wanted = tuple(kinds)

        def look() -> Entry | None:
            fresh = [entry for entry in self.entries() if entry.seq > after]
            failed = next((entry for entry in fresh if entry.kind == MACHINE_FAILED), None)
            if failed is not None and MACHINE_FAILED not in wanted:
                raise DemoError(f"a state machine failed: {failed.data.get('summary')}")
            return next((entry for entry in fresh if entry.kind in wanted), None)

        return self.wait(f"a ledger entry {' or '.join(wanted)}", look, seconds)

    def _failures(self) -> str:
        """What went wrong in the state machines, for an error message."""
        lines = []
        for machine in ("intake", "training", "promotion", "monitoring", "recovery"):
            for execution in self.executions(machine):
                if execution["status"] not in ("SUCCEEDED", "RUNNING"):
                    found = self.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
                    lines.append(
                        f"\n  {machine} {found['status']}: {found.get('error')}: {found.get('cause', '')[:600]}"
                    )
        return "".join(lines)

    # time ------------------------------------------------------------------------------------------------------------

    def set_speed(self, speed: float) -> None:
        local.ask(self.state_dir, "clock", {"speed": speed})

    def advance(self, hours: float) -> None:
        """The cloud's clock jumps ahead; schedules that were due fire once each."""
        local.ask(self.state_dir, "clock", {"advance": hours * 3600})

    def now(self) -> datetime:
        """The cloud's time."""
        return datetime.fromisoformat(local.ask(self.state_dir, "status")["now"])
