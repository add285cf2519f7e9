"""Which columns a model reads, and as what: the same table at training and at serving."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FILE = "contract.json"


@dataclass(frozen=True)
class Feature:
    """One column that the model learns from."""

    name: str
    type: str
    """integer, number, string, boolean or timestamp."""
    nullable: bool


@dataclass(frozen=True)
class Contract:
    """What a request to the model must hold."""

    id: str
    event_time: str | None
    label: str
    features: tuple[Feature, ...]
    trained_until: str | None = None
    """Last event time among the training rows, ISO 8601."""
    problem: str = "binary"
    """binary, multiclass or regression."""
    classes: tuple[Any, ...] | None = None
    """Values of the label in the order of a classifier's probabilities, None for a regression."""
    trusted_types: tuple[str, ...] = ()
    """What the author lets a model stored by skops hold."""

    @classmethod
    def of_spec(cls, spec: Mapping[str, Any]) -> "Contract":
        """The contract in a spec's parsed JSON, its features by name: canonical JSON knows no other order.

        The event time is among them when declared features read it.
        """
        data = spec["data"]
        rules = (spec.get("features") or {"rules": ()})["rules"]
        read = {name for rule in rules for name in rule["columns"]}
        named = {data["id"], data["event_time"], data["label"]} - read
        features = tuple(
            Feature(name, column["type"], bool(column["nullable"]))
            for name, column in sorted(data["columns"].items())
            if column["role"] == "feature" and name not in named
        )
        trusted = tuple(spec["training"].get("trusted_types", ()))
        return cls(
            data["id"],
            data["event_time"],
            data["label"],
            features,
            problem=spec["problem"],
            trusted_types=trusted,
        )

    @classmethod
    def read(cls, folder: Path) -> "Contract":
        """The contract in a model's folder."""
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        features, classes = tuple(Feature(**feature) for feature in found["features"]), found.get("classes")
        trusted = tuple(found.get("trusted_types", ()))
        return cls(
            **(found | {"features": features, "classes": tuple(classes) if classes else None, "trusted_types": trusted})
        )

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @property
    def names(self) -> list[str]:
        """Feature columns in the order in which the model sees them."""
        return [feature.name for feature in self.features]

    def conform(self, columns: "Mapping[str, Sequence[Any]] | pd.DataFrame") -> "pd.DataFrame":
        """A table with exactly the features, in order, each with the one dtype that its type has.

        Integers are int64, or float64 with NaN where null is allowed; numbers float64; strings object with None;
        booleans bool, or object with None where null is allowed; timestamps datetime64[us], zones turned into UTC.
        """
        import pandas as pd

        made: dict[str, Any] = self.arrays(columns)
        texts = {name: pd.Series(array, dtype="object") for name, array in made.items() if array.dtype == object}
        return pd.DataFrame(made | texts)  # pandas 3 would make a bare array of text its own string type

    def arrays(self, columns: "Mapping[str, Sequence[Any]] | pd.DataFrame") -> "dict[str, np.ndarray[Any, Any]]":
        """The same as arrays by name, for whoever needs no table: making one takes longer than most models' answer."""
        return {feature.name: _values(columns[feature.name], feature) for feature in self.features}


def _values(values: Any, feature: Feature) -> Any:
    """One column as an array; plain arrays keep a single request fast, where a Series for each would not."""
    import numpy as np
    import pandas as pd

    if feature.type == "timestamp":
        return _moments(values)
    if feature.type in ("integer", "number"):
        return np.asarray(values, dtype="int64" if feature.type == "integer" and not feature.nullable else "float64")
    if feature.type == "boolean" and not feature.nullable:
        return np.asarray(values, dtype="bool")
    plain = np.empty(len(values), dtype=object)
    plain[:] = [None if pd.isna(value) else value for value in values]
    return plain


def _moments(values: Any) -> Any:
    """Texts (a list) or times (a column) as datetime64[us] in UTC, NaT where there is none.

    A request's texts are read by Python: pandas needs half a millisecond for one, whatever their number.
    """
    import numpy as np
    import pandas as pd

    if isinstance(values, list):
        return np.array([_moment(value) for value in values], dtype="datetime64[us]")
    parsed = pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
    return parsed.dt.tz_localize(None).astype("datetime64[us]").to_numpy()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
