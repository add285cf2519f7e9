"""What a version came of, as the graph that SageMaker's lineage holds."""

import hashlib
from collections.abc import Mapping
from typing import Any

from trimtab.ledger.lineage_graph import LineageEdge, LineageNode
from trimtab.ports import Package

CONTRIBUTED, PRODUCED, DERIVED = "ContributedTo", "Produced", "DerivedFrom"


def graph_of(record: Mapping[str, Any], package: Package) -> tuple[list[LineageNode], list[LineageEdge]]:
    """dataset, code, image → training → model archive → package. SageMaker's names take letters, digits and hyphens."""
    run = str(record["run"])
    inputs = _inputs(record)
    training = LineageNode(
        "Action", run, "ModelTraining", str(record["jobs"]["training"].get("arn", run)), {"seed": str(record["seed"])}
    )
    model = LineageNode(
        "Artifact",
        f"{run}-model",
        "Model",
        str(record["artifact"]["uri"]),
        {"sha256": str(record["artifact"]["sha256"])},
    )
    registered = LineageNode(
        "Artifact", f"{run}-package", "ModelPackage", package.arn, {"version": str(package.version)}
    )
    edges = [LineageEdge(each.name, run, CONTRIBUTED) for each in inputs]
    edges += [LineageEdge(run, model.name, PRODUCED), LineageEdge(model.name, registered.name, DERIVED)]
    return [*inputs, training, model, registered], edges


def _inputs(record: Mapping[str, Any]) -> list[LineageNode]:
    dataset, code, image = record["dataset"], record["code"], record["image"]
    made = [
        ("DataSet", f"dataset-{str(dataset['digest'])[:16]}", dataset["manifest"], {"sha256": dataset["digest"]}),
        ("Code", f"code-{str(code['sha256'])[:16]}", code["uri"], {"sha256": code["sha256"]}),
        (
            "Image",
            f"image-{hashlib.sha256(str(image['uri']).encode()).hexdigest()[:16]}",
            image["uri"],
            {"digest": image["digest"] or ""},
        ),
    ]
    return [LineageNode("Artifact", name, kind, str(uri), properties) for kind, name, uri, properties in made if uri]
