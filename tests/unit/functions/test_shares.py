"""A large drop goes through plan_shares, validate_share and merge_shares and is judged as validate_drop judges it."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.merge_shares.handler import MergeSharesEvent
from functions.merge_shares.handler import handler as merge_shares
from functions.plan_shares.handler import PlanSharesEvent
from functions.plan_shares.handler import handler as plan_shares
from functions.validate_share.handler import ValidateShareEvent
from functions.validate_share.handler import handler as validate_share
from tests.fakes import NOON
from tests.unit.data.samples import csv, trips
from tests.unit.data.test_pieces import rounded
from tests.unit.functions.intake_samples import SPEC, Intake
from trimtab.contracts import Drop
from trimtab.data.limits import MEGABYTE
from trimtab.data.profile import Profile
from trimtab.data.validate import validate
from trimtab.datasets.parts import Part
from trimtab.errors import SpecError
from trimtab.intake.fan_out import FanOut
from trimtab.intake.gate import DropGate
from trimtab.intake.shares import MOST_PIECES, MOST_SHARES, Layout, cut
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


@pytest.fixture
def large() -> Large:
    return Large(spec())


def bad_trips(rows: int) -> pa.Table:
    """Values of every kind are wrong, at both ends of the table."""
    miles, stops = np.full(rows, 5.0), np.arange(rows) % 10
    miles[[3, rows - 2]] = 500
    stops[rows - 1] = 77
    trip = np.arange(rows)
    trip[rows - 5 :] = 4
    return trips(rows, miles=miles, stops=stops, trip=trip)


@pytest.mark.parametrize("backwards", [False, True])
def test_row_groups_of_one_object_are_judged_as_in_one_pass(large: Large, backwards: bool) -> None:
    reference = validate(io.BytesIO(parquet(trips(900, seed=5))), "parquet", SPEC.data).profile
    assert reference is not None
    large.objects.write("s3://artifacts/tiny/baseline.json", reference.dumps())
    large.ledger.states["baseline"] = {"baseline_uri": "s3://artifacts/tiny/baseline.json"}
    one_pass, shares = large.both(large.drop(KEY, parquet(bad_trips(4_000))), backwards=backwards)
    assert shares == one_pass
    assert {"range", "unique", "drift"} <= {found["rule"] for found in one_pass[1]["findings"]}
    groups = [piece["groups"] for share in large.pieces() for piece in share]
    assert len(groups) > 3, "the object was cut"
    assert [first for first, _ in groups] == [0, *(after for _, after in groups[:-1])]
    assert large.kinds.count("drop.planned") == 1


def test_only_the_bytes_of_a_share_are_fetched(large: Large, monkeypatch: pytest.MonkeyPatch) -> None:
    body = parquet(trips(4_000))
    drop = large.claim(large.drop(KEY, body))["drop"]
    monkeypatch.setattr(large.objects, "download", None)
    monkeypatch.setattr(FanOut, "merge", lambda _: large_answer)
    large_answer = DropGate(SPEC, large.objects, large.ledger, "s3://artifacts/x").stored(
        DropGate(SPEC, large.objects, large.ledger, "s3://artifacts/x").refused(Drop.model_validate(drop), "", "")
    )
    large.shares(drop)
    fetched = [sum(end - start for start, end in piece["spans"]) for share in large.pieces() for piece in share]
    assert max(fetched) < len(body) / 2
    assert sum(fetched) < 2 * len(body)


def test_a_drop_of_many_objects_of_several_formats_is_judged_together() -> None:
    large, table = Large(spec("success")), bad_trips(3_000)
    listed = {
        "a.parquet": parquet(table.slice(0, 1_500)),
        "b.csv": csv(table.slice(1_500, 700)).getvalue(),
        "c.parquet": parquet(table.slice(2_200)),
    }
    one_pass, shares = large.both(large.close("march", listed))
    assert shares == one_pass
    assert {"a.parquet", "c.parquet"} <= {file for found in one_pass[1]["findings"] for file in found["files"]}


def test_what_is_wrong_with_a_file_is_a_finding_and_no_error() -> None:
    large = Large(spec("success"))
    whole = parquet(trips(3_000))
    listed = {"a.parquet": whole, "b.parquet": whole[: len(whole) // 2], "c.csv": b"\x00\x01\x02", "d.parquet": b""}
    one_pass, shares = large.both(large.close("march", listed))
    assert shares[0]["verdict"] == one_pass[0]["verdict"] == "quarantine"
    assert shares[0]["findings"] == one_pass[0]["findings"]


def test_an_object_that_is_gone_by_then_refuses_the_drop() -> None:
    large = Large(spec("success"))
    event = large.close("march", {"a.parquet": parquet(trips(3_000)), "b.parquet": parquet(trips(200))})
    drop = large.claim(event)["drop"]
    large.objects._versions.pop(f"{DATA}/march/b.parquet")
    answer = large.shares(drop)
    assert (answer["verdict"], answer["findings"][0]["rule"]) == ("quarantine", "missing_part")


def test_a_share_that_takes_too_long_refuses_the_drop_with_that_reason(large: Large) -> None:
    drop = large.claim(large.drop(KEY, parquet(trips(3_000))))["drop"]
    gate = DropGate(large.spec, large.objects, large.ledger, "s3://artifacts/r")
    hurried = FanOut(gate, Drop.model_validate(drop), "s3://artifacts/s", seconds=0.000_001)
    for share in range(hurried.plan()):
        assert hurried.examine(share) == 0
    found = FanOut(gate, Drop.model_validate(drop), "s3://artifacts/s").merge()
    assert (found.verdict, found.findings[0].rule) == ("quarantine", "limits")
    assert "longer than" in found.findings[0].message


def test_a_contract_that_changed_on_the_way_is_told_and_judges_nothing(large: Large) -> None:
    drop = Drop.model_validate(large.claim(large.drop(KEY, parquet(trips(1_000))))["drop"])
    FanOut(DropGate(large.spec, large.objects, large.ledger, "s3://artifacts/r"), drop, "s3://artifacts/s").plan()
    changed = DropGate(spec(min_rows=7), large.objects, large.ledger, "s3://artifacts/r")
    with pytest.raises(SpecError, match="contract was changed"):
        FanOut(changed, drop, "s3://artifacts/s").examine(0)


def test_the_profile_of_shares_counts_every_row_once(large: Large) -> None:
    drop = large.claim(large.drop(KEY, parquet(trips(4_000))))["drop"]
    profile = Profile.loads(large.objects.read(large.shares(drop)["profile"]))
    assert (profile.rows, profile.columns["line"].rows) == (4_000, 4_000)


def part(size: int) -> Part:
    return Part("", "s3://b/k.parquet", "v", size, "")


def test_small_objects_share_and_none_of_a_drop_is_forgotten() -> None:
    shares = cut([part(10) for _ in range(95)], lambda _: None, 1_000)
    assert [len(share) for share in shares] == [MOST_PIECES] * 4 + [15]
    assert [piece.part for share in shares for piece in share] == list(range(95))


def test_however_large_a_drop_is_there_are_not_too_many_shares() -> None:
    layout = Layout([(group * 10, group * 10 + 10) for group in range(50_000)], (500_000, 500_100))
    shares = cut([part(500_100)], lambda _: layout, 10)
    assert MOST_SHARES / 2 < len(shares) <= MOST_SHARES + 1


def test_row_groups_that_claim_more_bytes_than_the_object_has_are_read_in_one_pass() -> None:
    layout = Layout([(0, 900)] * 50, (900, 1_000))
    ((piece,),) = cut([part(1_000)], lambda _: layout, 100)
    assert piece.groups is None
