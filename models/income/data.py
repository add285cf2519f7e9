"""People of working age in Massachusetts, as the American Community Survey asked them, in yearly waves.

    python -m models.income.data OUT [YEAR ...]

writes ``acs_2015.parquet`` (with the outcome), and for each later year the four deliveries ``acs_YYYY-partN.parquet``
(without it) and ``employed_YYYY.parquet`` (id and outcome), which a real survey has in September of the next year.
The same package gives the same files, byte for byte.

Source: the PyPI package nannyml (data set "US Census Employment MA"): the ACSEmployment task of folktables over the
Census Bureau's public use microdata, 2015 to 2018, a work of the US government. The package's own predictions are left
out, and so are people under 16 and over 64: a child is never at work, so that any group with many children would look
slighted.
"""

import argparse
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from models.drops import arguments, write, write_all
from models.packaged import packaged_file

FOLDER = "nannyml/datasets/data"
ID, LABEL, YEAR = "id", "employed", "year"
TRAIN_YEAR = 2015
LATER_YEARS = (2016, 2017, 2018)
PARTS = 4
WORKING_AGE = (16, 64)
ANSWERS = (
    "AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX",
    "RAC1P",
)  # fmt: skip
COLUMNS = (ID, YEAR, *ANSWERS)


def people() -> pd.DataFrame:
    """Everybody of working age, 2015 to 2018, with the outcome, in the order of the source; all are integers."""
    asked = pd.read_parquet(packaged_file(f"{FOLDER}/employment_MA_analysis.pq"))
    outcome = pd.read_parquet(packaged_file(f"{FOLDER}/employment_MA_analysis_target.pq"))
    first = pd.read_parquet(packaged_file(f"{FOLDER}/employment_MA_reference.pq"))
    everybody = pd.concat([part[[*COLUMNS, LABEL]].astype("int64") for part in (first, asked.merge(outcome, on=ID))])
    return everybody[everybody["AGEP"].between(*WORKING_AGE)].reset_index(drop=True)


def write_training(table: pd.DataFrame, out: Path) -> Path:
    """The people of 2015 with their outcomes."""
    return write(table[table[YEAR] == TRAIN_YEAR], out / f"acs_{TRAIN_YEAR}.parquet")


def write_year(table: pd.DataFrame, year: int, out: Path) -> list[Path]:
    """A year's deliveries as they are asked about, and the outcomes that come later."""
    rows = table[table[YEAR] == year]
    cuts = np.linspace(0, len(rows), PARTS + 1).astype(int)
    written = [
        write(rows[list(COLUMNS)].iloc[start:end], out / f"acs_{year}-part{part}.parquet")
        for part, (start, end) in enumerate(itertools.pairwise(cuts), 1)
    ]
    return [*written, write(rows[[ID, LABEL]], out / f"employed_{year}.parquet")]


def year(text: str) -> int:
    """A year that comes in deliveries."""
    if not text.isdigit() or int(text) not in LATER_YEARS:
        raise argparse.ArgumentTypeError(f"a year from {LATER_YEARS[0]} to {LATER_YEARS[-1]}, not '{text}'")
    return int(text)


def drops(table: pd.DataFrame, years: Iterable[int], out: Path) -> Iterator[Path]:
    """Writes the first drop and then each of the others."""
    yield write_training(table, out)
    for year in years:
        yield from write_year(table, year, out)


def main() -> None:
    given = arguments(
        "Write the survey's people as yearly drops.", "years", year, LATER_YEARS, "2016 to 2018"
    ).parse_args()
    table = people()
    write_all(given.out, drops(table, given.years, given.out))


if __name__ == "__main__":
    main()
