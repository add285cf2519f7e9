"""The data points of an alarm's or a request's queries, on the edges of periods."""

from collections.abc import Iterable

from localcloud.cloudwatch import expression
from localcloud.cloudwatch.alarms import Query
from localcloud.cloudwatch.metrics import MetricStore, Vector


def returned(queries: Iterable[Query], store: MetricStore, grid: list[float]) -> Vector:
    """The data points of the query that returns data."""
    values = all_vectors(queries, store, grid)
    return next(values[query.id] for query in queries if query.returns)


def all_vectors(queries: Iterable[Query], store: MetricStore, grid: list[float]) -> dict[str, Vector]:
    """The data points of every query; expressions may build on one another. Raises InvalidExpression."""
    queries = tuple(queries)
    measured = {
        query.id: store.vector(query.metric, query.stat, grid, query.unit)
        for query in queries
        if query.metric is not None
    }
    pending = {query.id: query.expression or "" for query in queries if query.metric is None}
    while pending:
        ready = [name for name, text in pending.items() if not expression.names_in(text) & pending.keys()]
        if not ready:
            raise expression.InvalidExpression(f"The expressions {sorted(pending)} depend on one another.")
        for name in ready:
            metric_ids = frozenset(query.id for query in queries if query.metric is not None)
            scope = expression.Scope(measured, metric_ids, len(grid) - 1)
            measured[name] = expression.evaluate(pending.pop(name), scope)
    return measured
