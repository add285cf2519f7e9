"""Who may read profiles of earlier drops: the function that compares windows with them, where the spec asks for it."""

from tests.infra.checks import permissions
from tests.infra.conftest import Assembly


def _reads(assembly: Assembly, model: str) -> set[str]:
    """Actions of measure_drift's role of a model on stored reports, and on the list of what is stored."""
    (found,) = [
        (assembly.templates[role.stack], role.id)
        for role in assembly.resources("AWS::IAM::Role")
        if model in role.stack.lower() and "measuredrift" in role.id.lower()
    ]
    return {
        action
        for statement in permissions.policies_of(*found)
        for action in statement.actions
        if action == "s3:ListBucket" or (action == "s3:GetObject" and f"{model}/reports/" in str(statement.resources))
    }


def test_profiles_of_drops_are_read_where_the_reference_is_the_same_period(assembly: Assembly) -> None:
    assert _reads(assembly, "searched") == {"s3:ListBucket", "s3:GetObject"}
    assert _reads(assembly, "flights") == set()
