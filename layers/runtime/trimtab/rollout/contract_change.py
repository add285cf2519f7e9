"""What a model's requests hold, compared between the spec that it was trained by and the one that is deployed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NAMES: Final = ("id", "event_time", "label")
_OF_A_COLUMN: Final = ("type", "nullable", "range", "domain", "pattern", "unit")
"""What changes the meaning of a value or which values may come; limits of quality change neither."""
Document = Mapping[str, Any]


def contract_changes(then: Document, now: Document) -> Iterator[str]:
    """One sentence for every difference between two specs, as parsed JSON, that matters to a request."""
    if then["problem"] != now["problem"]:
        yield f"problem was {then['problem']} and is {now['problem']}"
    before, after = then["data"], now["data"]
    for name in _NAMES:
        if before.get(name) != after.get(name):
            yield f"{name} was {before.get(name)} and is {after.get(name)}"
    yield from _changed_columns(_features(before), _features(after))


def _features(data: Document) -> dict[str, Document]:
    named = {data.get(name) for name in _NAMES}
    columns = data["columns"].items()
    return {name: column for name, column in columns if column["role"] == "feature" and name not in named}


def _changed_columns(before: Mapping[str, Document], after: Mapping[str, Document]) -> Iterator[str]:
    for name in sorted(before.keys() - after.keys()):
        yield f"column {name} is gone"
    for name in sorted(after.keys() - before.keys()):
        yield f"column {name} is new"
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        changed = [rule for rule in _OF_A_COLUMN if old.get(rule) != new.get(rule)]
        if changed:
            said = ", ".join(f"{rule} was {old.get(rule)} and is {new.get(rule)}" for rule in changed)
            yield f"column {name}: {said}"
