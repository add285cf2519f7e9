"""A share is looked at alone; what is wrong with its files is a finding and never an error."""

import pytest

from tests.unit.data.samples import trips
from tests.unit.functions.intake_samples import SPEC
from tests.unit.functions.large_drops import DATA, KEY, Large, parquet, spec
from trimtab.contracts import Drop
from trimtab.errors import SpecError
from trimtab.intake.fan_out import FanOut
from trimtab.intake.gate import DropGate


@pytest.fixture
def large() -> Large:
    return Large(spec())


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
