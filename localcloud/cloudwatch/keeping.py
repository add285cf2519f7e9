"""Metric data and alarms outlive the process: a row for each put of data, and one for all alarms of a region."""

import itertools
import threading
from collections.abc import Iterable
from typing import Any

from localcloud.cloud import Cloud
from localcloud.cloudwatch.metrics import Metric, MetricStore, Sample

_MOST_ROWS = 2000  # more are made fewer at the next start


class Keeping:
    """Registers both, for all regions."""

    def __init__(self, cloud: Cloud) -> None:
        self._alarms = cloud.durable.keep("cloudwatch.alarms", dump=_dump_alarms, load=_load_alarms)
        self._data = cloud.durable.keep("cloudwatch.data", dump=_no_row, load=self._load_data)
        self._loaded: list[tuple[str, str, int]] = []
        self._numbers = itertools.count()
        cloud.durable.after_load(self._merge_rows)

    def lock(self, account: str, region: str) -> "_ChangeLock":
        """Held while alarms of the region change; they are saved afterwards."""
        return _ChangeLock(lambda: self._alarms.changed(account, region))

    def store(self, account: str, region: str) -> "KeptStore":
        """A new store of the region's metric data."""
        return KeptStore(lambda *row: self._data.append(row, account, region, next(self._numbers)))

    def _load_data(self, row: tuple[Metric, str, list[Sample]], account: str, region: str, number: int) -> None:
        _backend(account, region).metric_store.load(*row)
        self._loaded.append((account, region, number))

    def _merge_rows(self) -> None:
        self._numbers = itertools.count(max((number for *_, number in self._loaded), default=-1) + 1)
        if len(self._loaded) > _MOST_ROWS:
            for key in self._loaded:
                self._data.changed(*key)
            self._data.save()  # so that old and new rows change in one commit
            for account, region in {key[:2] for key in self._loaded}:
                _backend(account, region).metric_store.keep_all()
        self._loaded.clear()


class KeptStore(MetricStore):
    """A store that has each put of data saved."""

    def __init__(self, save: Any) -> None:
        super().__init__()
        self._save = save

    def put(self, metric: Metric, unit: str, samples: Iterable[Sample]) -> None:
        """The samples are part of the metric, and are saved."""
        added = list(samples)
        super().put(metric, unit, added)
        self._save(metric, unit, added)

    def load(self, metric: Metric, unit: str, samples: list[Sample]) -> None:
        """The samples are part of the metric, as they were when they were saved."""
        super().put(metric, unit, samples)

    def keep_all(self) -> None:
        """Everything is saved once more, in one row for each metric and unit."""
        for metric, units in self._series.items():
            for unit, series in units.items():
                self._save(metric, unit, [Sample(*one) for one in zip(series.times, *series.columns, strict=True)])


class _ChangeLock:
    """A lock that tells when somebody has let go of it."""

    def __init__(self, changed: Any) -> None:
        self._lock = threading.RLock()
        self._changed = changed

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._changed()
        self._lock.__exit__(*error)


def _dump_alarms(account: str, region: str) -> dict[str, Any]:
    return dict(_backend(account, region).alarms)


def _load_alarms(alarms: dict[str, Any], account: str, region: str) -> None:
    _backend(account, region).alarms.update(alarms)


def _no_row(*_key: str | int) -> None:
    """Rows are only appended, or removed when all are merged."""


def _backend(account: str, region: str) -> Any:
    from moto.cloudwatch.models import cloudwatch_backends

    return cloudwatch_backends[account][region]
