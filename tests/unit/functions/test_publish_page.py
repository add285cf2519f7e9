"""publish_page: beside the newest window and at a fixed place lies what `trimtab drift --html` would write."""

from tests.unit.functions.scene import Scene
from tests.unit.monitoring.production import Production, population
from trimtab.reports.monitoring_page import monitoring_page
from trimtab.reports.monitoring_seen import looked_at, reader, see

NEWEST = "s3://captures/tiny/reports/monitoring.html"


def page(scene: Scene) -> bytes:
    """As the command line makes it, of the whole ledger."""
    return monitoring_page(see("tiny", scene.ledger.entries(), reader(scene.objects.read)))


def measured(production: Production, seed: int, first: int = 0) -> str:
    """Id of a window that a run has measured."""
    production.traffic(population(seed, first=first))
    return str(production.run()["window"]["id"])


def test_the_page_lies_beside_its_window_and_at_a_fixed_place(production: Production) -> None:
    window = measured(production, 7)
    assert production.call("publish_page") == {"outcome": "Written", "page": NEWEST}
    objects = production.scene.objects
    beside = objects.read(f"s3://captures/tiny/windows/{window}/monitoring.html")
    assert beside == objects.read(NEWEST) == page(production.scene)


def test_each_window_keeps_its_own_page_and_the_newest_is_the_last_ones(production: Production) -> None:
    first = measured(production, 7)
    production.call("publish_page")
    objects, beside = production.scene.objects, f"s3://captures/tiny/windows/{first}/monitoring.html"
    kept = objects.read(beside)
    production.scene.later(days=1)
    second = measured(production, 8, first=10_000)
    assert second != first
    production.call("publish_page")
    assert objects.read(beside) == kept
    assert objects.read(NEWEST) == page(production.scene) != kept


def test_a_page_that_says_the_same_is_not_written_again(production: Production) -> None:
    measured(production, 7)
    production.call("publish_page")
    before = production.scene.objects.head(NEWEST)
    assert production.call("publish_page") == {"outcome": "Unchanged", "page": NEWEST}
    assert production.scene.objects.head(NEWEST) == before


def test_before_the_first_window_there_is_no_page(production: Production) -> None:
    assert production.call("publish_page") == {"outcome": "NoWindows", "page": ""}


def test_it_reads_no_more_of_the_ledger_than_the_page_needs(production: Production) -> None:
    measured(production, 7)
    scene = production.scene
    scene.ledger.append("drop.accepted", "d", {"kind": "data"}, scene.now, "test")
    read = looked_at(scene.ledger)
    assert len(read) < len(scene.ledger.entries())
    assert [entry.seq for entry in read] == sorted({entry.seq for entry in read})
