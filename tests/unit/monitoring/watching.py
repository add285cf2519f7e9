"""Monitoring runs over captured traffic, turn by turn, as the machine calls the functions; they can be killed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.unit.functions.scene import Scene, function
from tests.unit.monitoring.captured import capture_uri, request_line
from trimtab.monitoring.records import EVENT
from trimtab.monitoring.tables import read_records
from trimtab.ports import Entry
from trimtab.spec import parse_spec

TINY = """\
name: tiny
data:
  id: row
  label: y
  columns: {row: {type: integer}, x: {type: number}, kind: {type: string}, y: {type: integer, nullable: true}}
training: {entry_point: train.py}
"""


class Killed(Exception):
    """The function died."""


@dataclass
class Mortal:
    """A port whose process dies at the ``left``-th call from now, before or after the call has its effect."""

    port: Any
    life: "Life"

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.port, name)
        return self._called(found) if callable(found) else found

    def _called(self, call: Any) -> Any:
        def mortal(*arguments: Any, **named: Any) -> Any:
            self.life.spend(before=True)
            answer = call(*arguments, **named)
            self.life.spend(before=False)
            return answer

        return mortal


@dataclass
class Life:
    """Calls that are left to a function; once it is dead, it calls nobody any more."""

    calls: int
    before: bool

    def spend(self, *, before: bool) -> None:
        if before == self.before:
            self.calls -= 1
        if self.calls < 0:
            raise Killed


@dataclass
class Watch:
    """One model's traffic, and the runs that collect it."""

    monitoring: str = "{min_rows: 3}"
    scene: Scene = field(default_factory=Scene)

    def __post_init__(self) -> None:
        self.scene.spec = parse_spec(f"{TINY}monitoring: {self.monitoring}\n")

    def capture(
        self, name: str, events: dict[str, datetime], *, rows: int = 1, variant: str = "main", hour: Any = None
    ) -> None:
        """A file, named by its first request's time, of requests with so many records each."""
        lines = []
        for event, time in events.items():
            records = [{"row": number, "x": 0.5, "kind": "a"} for number in range(rows)]
            lines.append(request_line(event, time, records, [0.5] * rows))
        uri = capture_uri(hour or min(events.values()), name).replace("/main/", f"/{variant}/")
        self.scene.objects.write(uri, b"".join(lines))

    def run(self, *, calls: int | None = None, before: bool = True, execution: str = "") -> list[dict[str, Any]]:
        """What the turns of one run have answered; Killed after so many calls of ports."""
        life = Life(10**9 if calls is None else calls, before)
        answers: list[dict[str, Any]] = [{"turn": 0, "windows": 0, "more": True}]
        while answers[-1]["more"]:
            last = answers[-1]
            answers.append(self._turn(life, execution, turn=last["turn"], windows=last["windows"]))
        return answers[1:]

    def _turn(self, life: Life, execution: str, **parts: Any) -> dict[str, Any]:
        answer = self.call(life, "collect_window", execution, **parts)
        if answer["outcome"] != "Large":
            return answer
        for share in answer["shares"]:
            self.call(life, "decode_share", execution, plan=answer["plan"], share=share)
        return self.call(life, "collect_window", execution, plan=answer["plan"], **parts)

    def call(self, life: Life, name: str, execution: str, **parts: Any) -> dict[str, Any]:
        """One function's answer, in a process with so much life."""
        scene, module = self.scene, function(name)
        objects, ledger = scene.objects, scene.ledger
        scene.objects, scene.ledger = Mortal(objects, life), Mortal(ledger, life)  # type: ignore[assignment]
        try:
            event = module.handler._model.model_validate(scene.event(execution or scene.now.isoformat(), **parts))
            return dict(module.handler.call(event, scene.runtime))
        finally:
            scene.objects, scene.ledger = objects, ledger

    @property
    def windows(self) -> list[Entry]:
        return self.scene.ledger.entries("window.collected")

    def events(self, window: Entry) -> list[str]:
        found: list[str] = read_records(self.scene.objects, window.data["uri"], [EVENT]).column(EVENT).to_pylist()
        return found

    @property
    def counted(self) -> Counter[str]:
        """How often each request's records stand in windows."""
        return Counter(event for window in self.windows for event in self.events(window))
