"""The flights of 2013, month by month: a retrain that gains nothing is refused, one that does may be offered.

Each month's candidate is trained by the real training job on the model's own window (60 days up to the month's end,
its last quarter in time held out) and judged by the real evaluation job against version 1, which knows January and
February only. The reference (docs/flights.md) has a refitted model gain 3.8 to 6.0 points of AUC on version 1's like
from June to September, and lose from October to December.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models.flights import data
from tests.jobs.test_training_and_evaluation import Jobs
from trimtab.contracts import Gate
from trimtab.data.read import read_table
from trimtab.spec import load_spec_file

FOLDER = Path(data.__file__).parent
SPEC = load_spec_file(FOLDER / "model.yaml")
GAIN, NOTHING = (6, 7, 8, 9), (10, 11, 12)


class Month(Jobs):
    """The folders of one month's training and evaluation."""

    def champion_gate(self, champion: Path) -> Gate:
        self.stand_against(champion)
        self.evaluate()
        judgement = self.judged(SPEC)
        for gate in judgement.gates:
            print(f"  {gate.name}: {gate.outcome}: {gate.message}")
        return next(gate for gate in judgement.gates if gate.name == "champion")


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """All labelled flights in order of time, in the contract's types."""
    labelled = data.flights().dropna(subset=[data.LABEL])
    path = data.write(labelled[[*data.COLUMNS, data.LABEL]], tmp_path_factory.mktemp("flights") / "all.parquet")
    with path.open("rb") as stream:
        return read_table(stream, "parquet", SPEC.data)


def window(flights: pa.Table, end: datetime) -> pa.Table:
    """The labelled flights of the spec's window before ``end``."""
    times = flights.column(data.EVENT_TIME)
    zone = times.type.tz is not None
    first, last = (
        pa.scalar(moment if zone else moment.replace(tzinfo=None), times.type)
        for moment in (end - timedelta(days=SPEC.training.window_days), end)
    )
    return flights.filter(pc.and_(pc.greater_equal(times, first), pc.less(times, last)))


def month_end(number: int) -> datetime:
    return datetime(2013 + number // 12, number % 12 + 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def version_1(flights: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the model that has seen nothing after February."""
    first = Month(tmp_path_factory.mktemp("version-1"))
    first.prepare(window(flights, month_end(2)), FOLDER, SPEC)
    first.train()
    return first.archive


@pytest.mark.parametrize("number", [*GAIN, *NOTHING])
def test_retrains_of_summer_beat_version_1_and_those_of_late_autumn_gain_nothing(
    flights: pa.Table, version_1: Path, tmp_path: Path, number: int
) -> None:
    month = Month(tmp_path)
    month.prepare(window(flights, month_end(number)), FOLDER, SPEC)
    month.train()
    gate = month.champion_gate(version_1)
    assert gate.outcome == ("pass" if number in GAIN else "refuse"), gate.message
