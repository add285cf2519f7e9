"""iam:SimulatePrincipalPolicy: what a role's policies say of actions, without doing any of them."""

from collections.abc import Iterator
from typing import Any

from localcloud.cloud import Cloud
from localcloud.iam.decision import Principal, decide
from localcloud.iam.policies import Access, Verdict, verdict
from localcloud.iam.principals import Principals

_KNOWN = {"PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "MaxItems"}


def install(cloud: Cloud, principals: Principals) -> None:
    """Roles can be simulated."""

    def simulate_principal_policy(response: Any) -> Any:
        from moto.core.responses import ActionResult

        given = response.params
        found = list(_evaluations(_role(principals, given), given))
        return ActionResult({"EvaluationResults": found, "IsTruncated": False})

    target = "moto.iam.responses:IamResponse.simulate_principal_policy"
    cloud.patches.add(target, simulate_principal_policy, "is not in moto")


def _role(principals: Principals, given: dict[str, Any]) -> Principal:
    from moto.iam.exceptions import NotFoundException

    arn, unknown = given["PolicySourceArn"], sorted(set(given) - _KNOWN)
    if unknown or ":role/" not in arn:
        raise NotImplementedError(f"SimulatePrincipalPolicy {' '.join(['for', arn, *unknown])} is not done here")
    role = principals.role(arn)
    if role is None:
        raise NotFoundException(f"The role with name {arn.rpartition('/')[2]} cannot be found.")
    return principals.of_role(role)


def _evaluations(who: Principal, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = given.get("ContextEntries", [])
    context = {entry["ContextKeyName"].lower(): tuple(entry["ContextKeyValues"]) for entry in entries}
    for action in given["ActionNames"]:
        for resource in given.get("ResourceArns", ["*"]):
            yield _evaluation(who, Access(action, resource, context))


def _evaluation(who: Principal, access: Access) -> dict[str, Any]:
    denial = decide(who, access, None)
    is_explicit = denial is not None and denial.reason.startswith("with an explicit deny")
    decision = "explicitDeny" if is_explicit else "implicitDeny" if denial else "allowed"
    found = {"EvalActionName": access.action, "EvalResourceName": access.resource, "EvalDecision": decision}
    if who.boundary is None:
        return found
    within = verdict(who.boundary, access) is Verdict.ALLOW
    return {**found, "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": within}}
