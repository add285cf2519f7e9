"""A run of the monitoring machine as a whole."""

from tests.unit.monitoring.production import Production, population, truth_of


def test_a_repeated_run_records_everything_once(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "now", truth_of(rows))
    first = production.run()
    second = production.run()
    assert first == second
    kinds = [entry.kind for entry in production.scene.ledger.entries()]
    for kind in ("window.collected", "window.measured", "truth.joined", "quality.measured"):
        assert kinds.count(kind) == 1, kind
