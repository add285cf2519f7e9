"""A model that may point to tables in a lake, and such tables; what the job does is done here by the gate itself."""

import json
from pathlib import Path
from typing import Any

from functions.plan_lake.handler import PlanLakeEvent
from functions.plan_lake.handler import handler as plan_lake
from functions.read_lake.handler import ReadLakeEvent
from functions.read_lake.handler import handler as read_lake
from tests.fakes import NOON
from tests.unit.data.samples import parquet, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.contracts import Drop
from trimtab.data.local_drop import DropFile, LocalDrop, judge_drop
from trimtab.data.report import DropReport
from trimtab.data.validate import Gate
from trimtab.data.violation import Violation
from trimtab.spec import Spec

LAKE = "s3://lake/trips/"
DAY = f"{LAKE}day=1/"
POINTER = "tiny/data/day-1/_LAKE.json"
FILES = {f"part-{number}.parquet": parquet(trips(400).slice(number * 200, 200)).getvalue() for number in range(2)}


def spec(**data: Any) -> Spec:
    own = SPEC.data.model_dump() | {"lake": {"location": LAKE}} | data
    return Spec.model_validate({"name": "tiny", "data": own, "training": {"entry_point": "train.py"}}, strict=False)


class Lake(Intake):
    """The intake of that model."""

    def __init__(self, own: Spec | None = None) -> None:
        super().__init__(own or spec())

    def put(self, files: dict[str, bytes] = FILES, day: str = DAY) -> None:
        for name, body in files.items():
            self.objects.write(f"{day}{name}", body)

    def point(self, execution: str = "one", key: str = POINTER, **document: Any) -> dict[str, Any]:
        """What claim_drop answers to a pointer."""
        body = json.dumps({"location": DAY} | document).encode()
        return self.claim(self.drop(key, body), execution)

    def plan(self, drop: dict[str, Any]) -> dict[str, Any]:
        return plan_lake.call(PlanLakeEvent.model_validate(self._step("one", drop=drop)), self.runtime)

    def read(self, drop: dict[str, Any]) -> dict[str, Any]:
        return read_lake.call(ReadLakeEvent.model_validate(self._step("one", drop=drop)), self.runtime)

    def task(self, planned: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(f"{planned['task']}task.json"))
        return found

    def work(self, planned: dict[str, Any], folder: Path) -> DropReport:
        """What the job leaves: the verdict on exactly the objects that its manifest names."""
        task = self.task(planned)
        prefix, *names = json.loads(self.objects.read(planned["files"]))
        for number, name in enumerate(names):
            (folder / str(number)).write_bytes(self.objects.read(prefix["prefix"] + name))
        files = tuple(DropFile(name, folder / str(number), "parquet") for number, name in enumerate(names))
        known = tuple(Violation.from_json(found) for found in task["findings"])
        report = judge_drop(LocalDrop(folder, files, known), Gate.of(self.spec.data))
        self.objects.write(f"{planned['verdict']}/report.json", json.dumps(report.to_json()).encode())
        if report.profile is not None:
            self.objects.write(f"{planned['verdict']}/profile.json", report.profile.dumps())
        return report

    def judged(self, folder: Path, **document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The drop and the validation of a table that lies there already."""
        drop = self.point(**document)["drop"]
        self.work(self.plan(drop), folder)
        return drop, self.read(drop)


def as_drop(answer: dict[str, Any]) -> Drop:
    return Drop.model_validate(answer["drop"])


__all__ = ["DAY", "FILES", "LAKE", "NOON", "POINTER", "Lake", "as_drop", "spec"]
