"""A model whose drops are all large, and drops that are."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.merge_shares.handler import MergeSharesEvent
from functions.merge_shares.handler import handler as merge_shares
from functions.plan_shares.handler import PlanSharesEvent
from functions.plan_shares.handler import handler as plan_shares
from functions.validate_share.handler import ValidateShareEvent
from functions.validate_share.handler import handler as validate_share
from tests.fakes import NOON
from tests.unit.data.samples import rounded, trips
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.data.limits import MEGABYTE
from trimtab.spec import Spec

KEY = "tiny/data/a.parquet"
DATA = "s3://drops/tiny/data"


def spec(how: str = "object", **quality: Any) -> Spec:
    """Files of more than 20 kB are cut."""
    fan_out = {"share_megabytes": 20_000 / MEGABYTE}
    data = SPEC.data.model_dump() | {"drop": how, "fan_out": fan_out, "quality": quality or {"min_rows": 1}}
    return Spec.model_validate({"name": "tiny", "data": data, "training": {"entry_point": "train.py"}}, strict=False)


def parquet(table: pa.Table, group: int = 500) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=group)
    return stream.getvalue()


class Large(Intake):
    """The intake of a model whose drops are all large."""

    def shares(self, drop: dict[str, Any], *, backwards: bool = False) -> dict[str, Any]:
        """What the gate answers by way of shares, looked at in any order."""
        step = {"model": "tiny", "at": NOON.isoformat(), "execution": "one", "drop": drop}
        planned = plan_shares.call(PlanSharesEvent.model_validate(step), self.runtime)
        for share in planned["shares"][:: -1 if backwards else 1]:
            validate_share.call(ValidateShareEvent.model_validate(step | {"share": share}), self.runtime)
        return merge_shares.call(MergeSharesEvent.model_validate(step), self.runtime)

    def both(self, event: dict[str, Any], *, backwards: bool = False) -> tuple[Any, Any]:
        """Answer, report and profile in one pass and in shares."""
        drop = self.claim(event)["drop"]
        return self._figures(self.validate(drop)), self._figures(self.shares(drop, backwards=backwards))

    def _figures(self, answer: dict[str, Any]) -> Any:
        stored = [json.loads(self.objects.read(answer["report"]))]
        if answer["profile"]:
            stored.append(json.loads(self.objects.read(answer["profile"])))
        return rounded([answer, *stored])

    def close(self, folder: str, listed: dict[str, bytes]) -> dict[str, Any]:
        """The event of a manifest, for objects that are put now."""
        for name, body in listed.items():
            self.objects.write(f"{DATA}/{folder}/{name}", body)
        return self.drop(f"tiny/data/{folder}/_SUCCESS", b"")

    def pieces(self) -> list[list[dict[str, Any]]]:
        """The newest plan's shares."""
        (uri,) = [info.uri for info in self.objects.list("s3://artifacts/") if info.uri.endswith("plan.json")]
        shares: list[list[dict[str, Any]]] = json.loads(self.objects.read(uri))["shares"]
        return shares


def bad_trips(rows: int) -> pa.Table:
    """Values of every kind are wrong, at both ends of the table."""
    miles, stops = np.full(rows, 5.0), np.arange(rows) % 10
    miles[[3, rows - 2]] = 500
    stops[rows - 1] = 77
    trip = np.arange(rows)
    trip[rows - 5 :] = 4
    return trips(rows, miles=miles, stops=stops, trip=trip)
