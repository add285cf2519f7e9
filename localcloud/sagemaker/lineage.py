"""Lineage: what came of what, as associations between ARNs, and walks along them."""

from typing import Any

from localcloud.sagemaker import listing
from localcloud.sagemaker.callers import user_context
from localcloud.sagemaker.errors import ResourceNotFoundError, UnsupportedError, ValidationError
from localcloud.sagemaker.service import Operation, Record, Region, Request
from localcloud.sagemaker.tracked import KINDS, find

_BY_SEGMENT = {kind.segment: kind for kind in KINDS.values()}
_FILTERS = ("SourceArn", "DestinationArn", "SourceType", "DestinationType", "AssociationType")
_DEEPEST = 10
_ENTITY_FILTERS = {"Types": "Type", "LineageTypes": "LineageType"}


def add(region: Region, request: Request) -> Record:
    """The source is associated with the destination; both exist. Doing it again changes the association's type."""
    pair = _pair(request)
    for arn in pair:
        _vertex(region, arn)
    kind = request.get("AssociationType", "AssociatedWith")
    made = {"AssociationType": kind, "CreationTime": region.now(), "CreatedBy": user_context(region)}
    region.associations[pair] = region.associations.get(pair, made) | {"AssociationType": kind}
    return _arns(pair)


def delete(region: Region, request: Request) -> Record:
    """The association is gone."""
    pair = _pair(request)
    if region.associations.pop(pair, None) is None:
        raise ResourceNotFoundError(f"There is no association from {pair[0]} to {pair[1]}.")
    return _arns(pair)


def query(region: Region, request: Request) -> Record:
    """Everything within MaxDepth steps of the StartArns, and the associations passed on the way."""
    filters = request.get("Filters", {})
    if unknown := sorted(set(filters) - set(_ENTITY_FILTERS)):
        raise UnsupportedError(f"QueryLineage filters {', '.join(unknown)}")
    starts = request.get("StartArns", [])
    if not starts or "NextToken" in request:
        raise UnsupportedError("QueryLineage without StartArns, or in pages")
    arns, edges = _walk(region, starts, request.get("Direction", "Both"), request.get("MaxDepth", _DEEPEST))
    vertices = [_vertex(region, arn) for arn in arns]
    kept = [vertex for vertex in vertices if vertex["Arn"] in starts or _passes(vertex, filters)]
    names = {vertex["Arn"] for vertex in kept}
    shown = [_edge(region, pair) for pair in edges if names.issuperset(pair)]
    return {"Vertices": kept, "Edges": shown if request.get("IncludeEdges", True) else []}


def _walk(region: Region, starts: list[str], direction: str, depth: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Breadth first; each ARN and each pair once."""
    seen, edges, edge_of_known = dict.fromkeys(starts), dict[tuple[str, str], None](), list(starts)
    for _ in range(depth):
        found: dict[str, None] = {}
        for source, destination in region.associations:
            if direction != "Ascendants" and source in edge_of_known:
                edges[source, destination] = found[destination] = None
            if direction != "Descendants" and destination in edge_of_known:
                edges[source, destination] = found[source] = None
        edge_of_known = [arn for arn in found if arn not in seen]
        seen.update(dict.fromkeys(edge_of_known))
    return list(seen), list(edges)


def _passes(vertex: Record, filters: Record) -> bool:
    return all(vertex.get(_ENTITY_FILTERS[name]) in values for name, values in filters.items())


def _vertex(region: Region, arn: str) -> Record:
    """Raises ResourceNotFoundError when there is nothing of this ARN, ValidationError when it has no lineage."""
    kind = _BY_SEGMENT.get(arn.split(":")[-1].partition("/")[0])
    if kind is None:
        raise ValidationError(f"{arn} is neither an artifact, action, context, experiment, trial nor trial component.")
    type_of = find(region, kind, arn).get(f"{kind.name}Type")
    return {"Arn": arn, "LineageType": kind.name, **({"Type": type_of} if type_of else {})}


def _edge(region: Region, pair: tuple[str, str]) -> Record:
    return _arns(pair) | {"AssociationType": region.associations[pair]["AssociationType"]}


def _pair(request: Request) -> tuple[str, str]:
    return request["SourceArn"], request["DestinationArn"]


def _arns(pair: tuple[str, str]) -> Record:
    return {"SourceArn": pair[0], "DestinationArn": pair[1]}


def _associations(region: Region, request: Request) -> list[Record]:
    rows = [_row(region, pair, made) for pair, made in region.associations.items()]
    return [row for row in rows if all(request.get(name) in (None, row.get(name)) for name in _FILTERS)]


def _row(region: Region, pair: tuple[str, str], made: Record) -> Record:
    row: dict[str, Any] = {**_arns(pair), **made}
    for end, arn in (("Source", pair[0]), ("Destination", pair[1])):
        kind = _BY_SEGMENT[arn.split(":")[-1].partition("/")[0]]
        record = find(region, kind, arn)
        row |= {f"{end}Name": record.get(f"{kind.name}Name"), f"{end}Type": record.get(f"{kind.name}Type")}
    return {key: value for key, value in row.items() if value is not None}


OPERATIONS: dict[str, Operation] = {
    "AddAssociation": add,
    "DeleteAssociation": delete,
    "QueryLineage": query,
    "ListAssociations": listing.operation(
        listing.Listing(
            records=_associations,
            answer="AssociationSummaries",
            name="SourceName",
            members=(*_FILTERS, "SourceName", "DestinationName", "CreationTime", "CreatedBy"),
            descending=True,
        )
    ),
}
