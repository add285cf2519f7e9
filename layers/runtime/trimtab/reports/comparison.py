"""What differs between two versions, and nothing else: data, code, parameters, spec, metrics, slices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
SECTIONS = ("data", "code", "parameters", "spec", "metrics", "slices")


@dataclass(frozen=True)
class Side:
    """One of the two versions."""

    name: str
    """For example flights@3."""
    record: Json
    report: Json
    """evaluation.json."""
    manifest: Json = field(default_factory=dict)
    """Of its dataset."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Digest by name of every file of its code bundle; empty when it could not be read."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on both sides; None stands for absent."""

    what: str
    first: Any
    second: Any
    first_interval: tuple[float, float] | None = None
    second_interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON; intervals only where there are any."""
        found = {"what": self.what, "first": self.first, "second": self.second}
        intervals = {"first_interval": self.first_interval, "second_interval": self.second_interval}
        return found | {name: list(ends) for name, ends in intervals.items() if ends}


def compare(first: Side, second: Side) -> dict[str, list[Difference]]:
    """Differences by section; a section without any is an empty list."""
    found = (_data, _code, _parameters, _spec, _metrics, _slices)
    return {name: list(differences(first, second)) for name, differences in zip(SECTIONS, found, strict=True)}


def same_holdout(first: Side, second: Side) -> bool:
    """Whether the metrics of both were measured on the same rows, so that they may be compared one by one."""
    return bool(first.record["dataset"]["digest"] == second.record["dataset"]["digest"])


def _data(first: Side, second: Side) -> Iterator[Difference]:
    for name in ("digest", "rows_train", "rows_holdout"):
        yield from _unequal(name, first.record["dataset"].get(name), second.record["dataset"].get(name))
    for name in ("window_days", "split", "columns", "spec_sha256"):
        yield from unequal_leaves(name, first.manifest.get(name), second.manifest.get(name))
    left, right = _sources(first.manifest), _sources(second.manifest)
    for digest in [*left, *(key for key in right if key not in left)]:
        yield from _unequal("source", left.get(digest), right.get(digest))


def _sources(manifest: Json) -> dict[str, str]:
    """Address by digest of the files that a dataset was made of."""
    return {
        f"{source['kind']}:{source['sha256']}": f"{source['kind']} s3://{source['bucket']}/{source['key']}"
        for source in manifest.get("sources", [])
    }


def _code(first: Side, second: Side) -> Iterator[Difference]:
    yield from _unequal("sha256", first.record["code"]["sha256"], second.record["code"]["sha256"])
    if first.files and second.files:
        for name in sorted(first.files.keys() | second.files.keys()):
            yield from _unequal(name, _short(first.files.get(name)), _short(second.files.get(name)))


def _short(digest: str | None) -> str | None:
    return digest[:12] if digest else None


def _parameters(first: Side, second: Side) -> Iterator[Difference]:
    yield from unequal_leaves("", first.record["hyperparameters"], second.record["hyperparameters"])
    yield from _unequal("seed", first.record["seed"], second.record["seed"])
    yield from unequal_leaves("image", first.record["image"], second.record["image"])


def _spec(first: Side, second: Side) -> Iterator[Difference]:
    yield from unequal_leaves("", first.record["spec"], second.record["spec"])


def _metrics(first: Side, second: Side) -> Iterator[Difference]:
    left, right = (side.report["metrics"]["candidate"] for side in (first, second))
    ends = [(side.report.get("intervals") or {}).get("candidate") or {} for side in (first, second)]
    for name in [*left, *(key for key in right if key not in left)]:
        yield from _measured(name, left.get(name), right.get(name), ends[0].get(name), ends[1].get(name))


def _slices(first: Side, second: Side) -> Iterator[Difference]:
    """The primary metric of every slice."""
    primary = str(second.record["spec"]["evaluation"]["primary"])
    left, right = ({found["name"]: found for found in side.report.get("slices") or []} for side in (first, second))
    for name in [*left, *(key for key in right if key not in left)]:
        values = [found.get(name, {}).get("metrics", {}).get(primary) for found in (left, right)]
        ends = [_ends(found.get(name, {}).get("interval"), primary) for found in (left, right)]
        yield from _measured(f"{name} {primary}", values[0], values[1], ends[0], ends[1])


def _ends(interval: Any, metric: str) -> Any:
    return interval.get(metric) if isinstance(interval, Mapping) else interval


def _measured(what: str, first: Any, second: Any, one: Any, other: Any) -> Iterator[Difference]:
    if first != second:
        yield Difference(what, first, second, _pair(one), _pair(other))


def _pair(ends: Any) -> tuple[float, float] | None:
    return (float(ends[0]), float(ends[1])) if isinstance(ends, list | tuple) and len(ends) == 2 else None


def _unequal(what: str, first: Any, second: Any) -> Iterator[Difference]:
    if first != second:
        yield Difference(what, first, second)


def unequal_leaves(at: str, first: Any, second: Any) -> Iterator[Difference]:
    """Differences of two JSON values, each named by its path."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted(first.keys() | second.keys()):
            yield from unequal_leaves(f"{at}.{key}" if at else key, first.get(key), second.get(key))
    else:
        yield from _unequal(at, first, second)
