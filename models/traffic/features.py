"""What model.yaml's declared features cannot say: the source names a holiday in one hour of its day only."""

from functools import lru_cache

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar


def holiday(columns: pd.DataFrame) -> pd.DataFrame:
    """Column ``holiday``: 1 on every hour of a federal holiday (as observed), else 0."""
    days = columns["date_time"].dt.tz_localize(None).dt.normalize()
    free = frozenset(day for year in set(days.dt.year) for day in federal_holidays(int(year)))
    return pd.DataFrame({"holiday": days.isin(free).astype("float64")})


@lru_cache(maxsize=64)
def federal_holidays(year: int) -> frozenset[pd.Timestamp]:
    """Midnights of the year's federal holidays."""
    return frozenset(USFederalHolidayCalendar().holidays(f"{year}-01-01", f"{year}-12-31"))
