"""What shares have shown together is judged as one pass judges it."""

import io

import pytest

from tests.unit.data.samples import csv, trips
from tests.unit.functions.intake_samples import SPEC
from tests.unit.functions.large_drops import KEY, Large, bad_trips, parquet, spec
from trimtab.data.profile import Profile
from trimtab.data.validate import validate


@pytest.fixture
def large() -> Large:
    return Large(spec())


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


def test_the_profile_of_shares_counts_every_row_once(large: Large) -> None:
    drop = large.claim(large.drop(KEY, parquet(trips(4_000))))["drop"]
    profile = Profile.loads(large.objects.read(large.shares(drop)["profile"]))
    assert (profile.rows, profile.columns["line"].rows) == (4_000, 4_000)
