"""A model that was really monitored: two windows through the functions, the second moved upwards."""

from functools import cache

from tests.fakes import NOON
from tests.unit.monitoring.production import Production, population, truth_of
from trimtab.reports.monitoring_seen import Seen, reader, see

ANSWERS = [{"question": "Is an alarm ringing?", "answer": "yes: drift", "passed": True}]
REQUESTED = {"kind": "drift", "cause": "alarm", "summary": "retraining asked for: <drift>", "decision": ANSWERS}


@cache
def monitored() -> Production:
    """The first window is like training and has its truth; the second has values of x from 0.5 upwards."""
    production = Production()
    production.serve(1)
    calm = population(7)
    production.traffic(calm)
    production.run()
    production.truth(calm, "t1", truth_of(calm))
    production.run()
    production.scene.now = production.scene.now.replace(day=production.scene.now.day + 1)
    production.traffic(population(8, low=0.5, first=10_000))
    production.run()
    production.scene.ledger.append("retrain.requested", "e1", REQUESTED, NOON, "decide_retrain")
    return production


def seen(windows: int = 8) -> Seen:
    """What a page or a terminal shows of it."""
    scene = monitored().scene
    return see("tiny", scene.ledger.entries(), reader(scene.objects.read), windows)
