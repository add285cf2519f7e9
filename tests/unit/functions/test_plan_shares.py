"""A large drop is cut into shares that hold all of it, each small."""

from trimtab.datasets.parts import Part
from trimtab.intake.shares import MOST_PIECES, MOST_SHARES, Layout, cut


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
