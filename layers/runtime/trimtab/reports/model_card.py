"""A version's model card: as SageMaker's ModelCard holds it, and as a page for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.contracts import Gate
from trimtab.reports.figures import figure
from trimtab.reports.pages import template
from trimtab.spec import Spec

Json = dict[str, Any]
_TEXT, _SHORT, _LONG = 1024, 63, 2048
"""Longest texts that SageMaker takes, by the kind of field."""
_MOST_METRICS = 200
"""A card has at most 100,000 characters."""


@dataclass(frozen=True)
class Facts:
    """What a card is made of."""

    spec: Spec
    record: Mapping[str, Any]
    """As training.record writes it."""
    report: Mapping[str, Any]
    """evaluation.json."""
    gates: tuple[Gate, ...]

    @property
    def primary(self) -> str:
        return self.spec.evaluation.primary

    @property
    def slices(self) -> list[Json]:
        return [found for found in self.report.get("slices") or [] if isinstance(found, dict)]

    @property
    def bias(self) -> Json:
        return dict(self.report.get("bias") or {})


def card_json(facts: Facts) -> bytes:
    """The content of a SageMaker model card, by its JSON schema 1.0; texts that are too long are cut."""
    record, card = facts.record, facts.spec.card
    document = {
        "model_overview": {
            "model_name": facts.spec.name,
            "model_description": (card.purpose or f"The model {facts.spec.name}.")[:_TEXT],
            "model_owner": facts.spec.owner[:_TEXT],
            "model_id": str(record["run"]),
            "problem_type": facts.spec.problem,
            "model_artifact": [str(record["artifact"]["uri"])],
            "inference_environment": {"container_image": [str(record["image"]["uri"])]},
        },
        "intended_uses": {
            "purpose_of_model": card.purpose,
            "intended_uses": "\n".join(card.intended_uses)[:_LONG],
            "factors_affecting_model_efficiency": "\n".join(card.limits)[:_LONG],
            "risk_rating": card.risk,
        },
        "business_details": {"business_stakeholders": "\n".join(card.contacts)[:_LONG]},
        "training_details": _training(facts),
        "evaluation_details": [_evaluation(facts)],
        "additional_information": {
            "ethical_considerations": card.ethics,
            "caveats_and_recommendations": "\n".join(card.limits)[:_LONG],
            "custom_details": _digests(record),
        },
    }
    return json.dumps(document, indent=1, allow_nan=False).encode()


def _digests(record: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "run": record["run"],
        "dataset": record["dataset"]["digest"],
        "code_sha256": record["code"]["sha256"],
        "artifact_sha256": record["artifact"]["sha256"],
        "image_digest": record["image"]["digest"] or "not told by its registry",
        "spec_sha256": record["spec_sha256"],
        "policy_sha256": record["policy_sha256"],
    }
    return {name: str(value)[:_TEXT] for name, value in found.items()}


def _training(facts: Facts) -> Json:
    job = facts.record["jobs"]["training"]
    chosen = facts.record["hyperparameters"] | {"seed": facts.record["seed"]}
    details: Json = {
        "training_datasets": [facts.record["dataset"]["manifest"]],
        "training_environment": {"container_image": [facts.record["image"]["uri"]]},
        "user_provided_hyper_parameters": [
            {"name": name[:255], "value": json.dumps(value)[:255]} for name, value in list(chosen.items())[:100]
        ],
    }
    if job.get("arn"):
        details["training_arn"] = job["arn"]
    observed = f"{facts.record['dataset']['rows_train']:,} rows; the hold-out lies later in time."
    return {"training_job_details": details, "training_observations": observed}


def _evaluation(facts: Facts) -> Json:
    metrics = facts.report["metrics"]
    groups = {
        "Candidate on the hold-out": _metrics(facts, "candidate"),
        "Baseline": _metrics(facts, "baseline") if metrics.get("baseline") else [],
        "Champion": _metrics(facts, "champion") if metrics.get("champion") else [],
        "Slices": [_slice(found, facts.primary) for found in facts.slices[:_MOST_METRICS] if _value(found, facts)],
        "Bias": list(_bias_metrics(facts.bias))[:_MOST_METRICS],
        "Gates": [
            {"name": gate.name[:255], "type": "string", "value": gate.outcome, "notes": gate.message[:_TEXT]}
            for gate in facts.gates
        ],
    }
    details: Json = {
        "name": "hold-out",
        "evaluation_observation": f"Judged on {facts.report.get('n') or 0:,} rows that it has not learned from.",
        "datasets": [facts.record["dataset"]["manifest"]],
        "metadata": {"evaluation": facts.record["evaluation"]["uri"]},
        "metric_groups": [{"name": name, "metric_data": data} for name, data in groups.items() if data],
    }
    arn = facts.record["jobs"]["evaluation"].get("arn")
    return details | ({"evaluation_job_arn": arn} if arn else {})


def _metrics(facts: Facts, who: str) -> list[Json]:
    intervals = (facts.report.get("intervals") or {}).get(who) or {}
    return [
        _number(name, value, _between(intervals.get(name)))
        for name, value in facts.report["metrics"][who].items()
        if _is_number(value)
    ]


def _value(found: Mapping[str, Any], facts: Facts) -> bool:
    return _is_number(found["metrics"].get(facts.primary))


def _slice(found: Mapping[str, Any], primary: str) -> Json:
    interval = found.get("interval")
    ends = interval.get(primary) if isinstance(interval, dict) else interval
    notes = f"{primary} on {found['n']:,} rows"
    return _number(found["name"], found["metrics"][primary], "; ".join(filter(None, [notes, _between(ends)])))


def _bias_metrics(bias: Mapping[str, Any]) -> Iterator[Json]:
    for attribute, found in bias.items():
        if not isinstance(found, dict):
            continue
        if found.get("problem"):
            yield {"name": attribute, "type": "string", "value": "not judged", "notes": str(found["problem"])[:_TEXT]}
        for name, value in (found.get("overall") or {}).items():
            measured = value.get("value") if isinstance(value, dict) else value
            if isinstance(measured, int | float):
                yield _number(f"{attribute} {name}", measured, "")


def _number(name: str, value: float, notes: str) -> Json:
    return {"name": name[:255], "type": "number", "value": value} | ({"notes": notes[:_TEXT]} if notes else {})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(ends: Any) -> str:
    return f"[{figure(ends[0])}, {figure(ends[1])}]" if isinstance(ends, list | tuple) and len(ends) == 2 else ""


def card_html(facts: Facts) -> bytes:
    """The card as one page without a network."""
    report = facts.report
    return (
        template("model_card.html")
        .render(
            spec=facts.spec,
            card=facts.spec.card,
            record=facts.record,
            report=report,
            primary=facts.primary,
            metrics=_rows(report),
            slices=[(found, _between(_ends(found, facts.primary))) for found in facts.slices],
            bias=[(name, found, list(_groups(found))) for name, found in facts.bias.items() if isinstance(found, dict)],
            gates=facts.gates,
            digests=_digests(facts.record),
        )
        .encode()
    )


def _ends(found: Mapping[str, Any], primary: str) -> Any:
    interval = found.get("interval")
    return interval.get(primary) if isinstance(interval, dict) else interval


def _rows(report: Mapping[str, Any]) -> list[Json]:
    """One row a metric: candidate with its interval, baseline, champion."""
    by, intervals = report["metrics"], (report.get("intervals") or {}).get("candidate") or {}
    return [
        {
            "name": name,
            "value": value,
            "interval": _between(intervals.get(name)),
            "baseline": (by.get("baseline") or {}).get(name),
            "champion": (by.get("champion") or {}).get(name),
        }
        for name, value in by["candidate"].items()
        if value is None or _is_number(value)
    ]


def _groups(found: Mapping[str, Any]) -> Iterator[Json]:
    """Each group's rows and rates, whatever else is said of it."""
    for group in found.get("groups") or []:
        rates = {
            name: value.get("value") if isinstance(value, dict) else value
            for name, value in group.items()
            if name not in ("group", "n", "judged")
        }
        shown = {name: value for name, value in rates.items() if value is None or _is_number(value)}
        yield {"name": group.get("group"), "n": group.get("n"), "rates": shown}
