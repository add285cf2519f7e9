"""DynamoDB: a row for each table, for each item, and for each record of a stream."""

import copyreg
from collections import defaultdict
from typing import Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of
from localcloud.durability.kept import SAVED, is_recording

_TABLE: Final = "moto.dynamodb.models.table:Table"
_BACKEND: Final = "moto.dynamodb.models:DynamoDBBackend"
_WHY: Final = "tells which state a request changes"


def install(cloud: Cloud) -> None:
    """Tables and items that a request has touched are saved before it is answered."""
    from moto.dynamodb.models.table import StreamShard, Table

    cloud.durable.codec.reducers[Table] = _without_items
    cloud.durable.codec.reducers[StreamShard] = _without_records
    tables = _Tables(cloud)
    _watch_tables(cloud, tables)
    _watch_items(cloud, tables)


class _Tables:
    """Items and records name their table's creation time too, so that those of a deleted table are told apart."""

    def __init__(self, cloud: Cloud) -> None:
        keep, lock = cloud.durable.keep, cloud.locks.of("dynamodb")
        self._tables = keep("dynamodb.tables", dump=self._dump, load=self._load, lock=lock, compare=True)
        self._items = keep("dynamodb.items", dump=self._dump_item, load=self._load_item, lock=lock)
        self._records = keep("dynamodb.records", dump=self._never, load=self._load_record)
        self._meant: dict[tuple[str, ...], tuple[Any, Any]] = {}
        self._streamed: dict[tuple[str, ...], int] = {}

    def touch(self, account: str, region: str, name: str) -> None:
        """The table is saved before the request is answered."""
        if is_recording():
            self._tables.changed(account, region, name)

    def touch_item(self, table: Any, hash_key: Any, range_key: Any) -> None:
        """The item is saved, or not kept any more, before the request is answered."""
        if is_recording():
            key = (*_identity(table), f"{hash_key!s} {range_key!s}")
            self._meant[key] = (hash_key, range_key)
            self._items.changed(*key)

    def _dump(self, account: str, region: str, name: str) -> Any:
        table = backend_of("dynamodb", account, region).tables.get(name)
        if table is not None and table.stream_shard is not None:
            self._append_records(table)
        return table

    def _append_records(self, table: Any) -> None:
        identity, records = _identity(table), table.stream_shard.items
        for number in range(self._streamed.get(identity, 0), len(records)):
            self._records.append(records[number], *identity, number)
        self._streamed[identity] = len(records)

    def _load(self, table: Any, account: str, region: str, name: str) -> None:
        backend_of("dynamodb", account, region).tables[name] = table

    def _dump_item(self, account: str, region: str, name: str, created: str, item: str) -> Any:
        try:
            hash_key, range_key = self._meant.pop((account, region, name, created, item))
        except KeyError:  # two requests have touched it, and it was saved after both
            return SAVED
        table = _table(account, region, name, created)
        if table is None or hash_key not in table.items:
            return None
        return table.items[hash_key].get(range_key) if table.has_range_key else table.items[hash_key]

    def _load_item(self, item: Any, account: str, region: str, name: str, created: str, _item: str) -> None:
        table = _table(account, region, name, created)
        if table is None:
            return
        if table.has_range_key:
            table.items[item.hash_key][item.range_key] = item
        else:
            table.items[item.hash_key] = item

    def _load_record(self, record: Any, account: str, region: str, name: str, created: str, number: int) -> None:
        table = _table(account, region, name, created)
        if table is not None:
            table.stream_shard.items.append(record)
            self._streamed[_identity(table)] = number + 1

    def _never(self, *_key: str | int) -> None:
        """Records of a stream are only appended."""


def _watch_tables(cloud: Cloud, tables: _Tables) -> None:
    def get_table(backend: Any, table_name: str) -> Any:
        table = find(backend, table_name)
        tables.touch(backend.account_id, backend.region_name, table.name)
        return table

    def create_table(backend: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
        table = create(backend, name, *arguments, **keywords)
        tables.touch(backend.account_id, backend.region_name, name)
        return table

    find = cloud.patches.replace(f"{_BACKEND}.get_table", get_table, _WHY)
    create = cloud.patches.replace(f"{_BACKEND}.create_table", create_table, _WHY)


def _watch_items(cloud: Cloud, tables: _Tables) -> None:
    def get_item(table: Any, hash_key: Any, range_key: Any = None, *more: Any) -> Any:
        tables.touch_item(table, hash_key, range_key)
        return get(table, hash_key, range_key, *more)

    def put_item(table: Any, *arguments: Any, **keywords: Any) -> Any:
        item = put(table, *arguments, **keywords)
        tables.touch_item(table, item.hash_key, item.range_key)
        return item

    def delete_item(table: Any, hash_key: Any, range_key: Any) -> Any:
        tables.touch_item(table, hash_key, range_key)
        return delete(table, hash_key, range_key)

    get = cloud.patches.replace(f"{_TABLE}.get_item", get_item, _WHY)
    put = cloud.patches.replace(f"{_TABLE}.put_item", put_item, _WHY)
    delete = cloud.patches.replace(f"{_TABLE}.delete_item", delete_item, _WHY)


def _table(account: str, region: str, name: str, created: str) -> Any:
    table = backend_of("dynamodb", account, region).tables.get(name)
    return table if table is not None and _identity(table)[3] == created else None


def _identity(table: Any) -> tuple[str, str, str, str]:
    return table.account_id, table.region_name, table.name, table.created_at.isoformat()


def _without_items(table: Any) -> tuple[Any, ...]:
    state = {**table.__dict__, "items": defaultdict(dict), "lambda_event_source_mappings": {}}
    return copyreg.__newobj__, (type(table),), state  # type: ignore[attr-defined]  # pickle's own


def _without_records(shard: Any) -> tuple[Any, ...]:
    return copyreg.__newobj__, (type(shard),), {**shard.__dict__, "items": []}  # type: ignore[attr-defined]
