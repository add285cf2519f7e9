"""The policy language, without a server: statements, conditions, variables, and the evaluation logic."""

from typing import Any

import pytest

from localcloud.iam.conditions import UnknownOperator, hold
from localcloud.iam.decision import Principal, decide
from localcloud.iam.patterns import matches
from localcloud.iam.policies import Access, Identity, Verdict, verdict

ROLE = "arn:aws:iam::123456789012:role/worker"
SESSION = "arn:aws:sts::123456789012:assumed-role/worker/one"
ROOT = "arn:aws:iam::123456789012:root"
WORKER = Identity(frozenset({ROLE, SESSION}), "123456789012")
READ = Access("s3:GetObject", "arn:aws:s3:::drops/in/a.parquet")


def allow(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::drops/*", **more: Any) -> dict[str, Any]:
    return {"Statement": {"Effect": "Allow", "Action": action, "Resource": resource, **more}}


def deny(**more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", **more}]}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(), Verdict.ALLOW),
        (allow("S3:getobject"), Verdict.ALLOW),
        (allow("s3:Get*"), Verdict.ALLOW),
        (allow("s3:GetObjec?"), Verdict.ALLOW),
        (allow("s3:Put*"), Verdict.NOTHING),
        (allow(["s3:PutObject", "s3:GetObject"]), Verdict.ALLOW),
        (allow(resource="arn:aws:s3:::drops"), Verdict.NOTHING),
        (allow(resource=["arn:aws:s3:::other/*", "arn:aws:s3:::drops/in/*"]), Verdict.ALLOW),
        (allow(resource="arn:aws:s3:::DROPS/*"), Verdict.NOTHING),
        (deny(), Verdict.DENY),
        ({"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}, Verdict.ALLOW),
        ({"Statement": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]}, Verdict.NOTHING),
        ({"Statement": [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::drops/*"}]}, Verdict.NOTHING),
        ({"Statement": [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::else/*"}]}, Verdict.ALLOW),
    ],
)
def test_a_statement_speaks_of_its_actions_and_resources(statement: dict[str, Any], expected: Verdict) -> None:
    assert verdict([statement], READ) is expected


def test_a_deny_wins_over_every_allow() -> None:
    assert verdict([allow("*", "*"), deny(), allow()], READ) is Verdict.DENY


CONTEXT = {
    "aws:username": ("ann",),
    "s3:prefix": ("in/2013",),
    "aws:sourceip": ("10.1.2.3",),
    "aws:tagkeys": ("stage", "owner"),
    "s3:max-keys": ("10",),
    "aws:currenttime": ("2026-01-15T10:00:00Z",),
    "aws:securetransport": ("true",),
    "aws:sourcearn": ("arn:aws:states:us-east-1:123456789012:stateMachine:intake",),
    "dynamodb:leadingkeys": ("flights#1", "flights#2"),
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "expected"),
    [
        ("StringEquals", "aws:username", "ann", True),
        ("StringEquals", "AWS:UserName", ["bob", "ann"], True),
        ("StringEquals", "aws:username", "a*", False),
        ("StringEquals", "absent", "x", False),
        ("StringEqualsIfExists", "absent", "x", True),
        ("StringNotEquals", "aws:username", "bob", True),
        ("StringNotEquals", "aws:username", ["bob", "ann"], False),
        ("StringNotEquals", "absent", "x", True),
        ("StringEqualsIgnoreCase", "aws:username", "ANN", True),
        ("StringNotEqualsIgnoreCase", "aws:username", "ANN", False),
        ("StringLike", "s3:prefix", "in/*", True),
        ("StringNotLike", "s3:prefix", "in/*", False),
        ("StringLike", "s3:prefix", "${aws:username}/*", False),
        ("Null", "absent", "true", True),
        ("Null", "absent", "false", False),
        ("Null", "aws:username", False, True),
        ("Bool", "aws:securetransport", True, True),
        ("Bool", "aws:securetransport", "false", False),
        ("BoolIfExists", "aws:multifactorauthpresent", "true", True),
        ("NumericLessThanEquals", "s3:max-keys", 10, True),
        ("NumericLessThan", "s3:max-keys", "10", False),
        ("NumericGreaterThan", "s3:max-keys", "9.5", True),
        ("NumericNotEquals", "s3:max-keys", "10", False),
        ("NumericEquals", "aws:username", "10", False),
        ("DateLessThan", "aws:currenttime", "2026-02-01T00:00:00Z", True),
        ("DateGreaterThan", "aws:currenttime", "2026-02-01T00:00:00Z", False),
        ("IpAddress", "aws:sourceip", "10.0.0.0/8", True),
        ("NotIpAddress", "aws:sourceip", "10.0.0.0/8", False),
        ("ArnLike", "aws:sourcearn", "arn:aws:states:*:123456789012:stateMachine:*", True),
        ("ArnEquals", "aws:sourcearn", "arn:aws:states:us-east-1:123456789012:stateMachine:in*", True),
        ("ArnLike", "aws:sourcearn", "arn:aws:*", False),
        ("ArnNotLike", "aws:sourcearn", "arn:aws:events:*:*:*", True),
        ("ForAllValues:StringEquals", "aws:tagkeys", ["stage", "owner", "cost"], True),
        ("ForAllValues:StringEquals", "aws:tagkeys", ["stage"], False),
        ("ForAllValues:StringEquals", "absent", ["stage"], True),
        ("ForAnyValue:StringEquals", "aws:tagkeys", ["owner"], True),
        ("ForAnyValue:StringEquals", "aws:tagkeys", ["cost"], False),
        ("ForAnyValue:StringEquals", "absent", ["cost"], False),
        ("ForAnyValue:StringNotEquals", "aws:tagkeys", ["owner"], True),
        ("ForAllValues:StringNotEquals", "aws:tagkeys", ["owner"], False),
        ("ForAllValues:StringLike", "dynamodb:leadingkeys", ["flights#*"], True),
        ("ForAllValues:StringLike", "dynamodb:leadingkeys", ["flights#1"], False),
    ],
)
def test_condition_operators(operator: str, key: str, wanted: Any, expected: bool) -> None:
    assert hold({operator: {key: wanted}}, CONTEXT) is expected


def test_all_operators_and_keys_of_a_condition_must_hold() -> None:
    both = {"StringEquals": {"aws:username": "ann"}, "Bool": {"aws:securetransport": "false"}}
    assert not hold(both, CONTEXT)
    assert not hold({"StringEquals": {"aws:username": "ann", "s3:prefix": "out"}}, CONTEXT)


def test_an_operator_that_iam_does_not_have_is_an_error() -> None:
    with pytest.raises(UnknownOperator):
        hold({"StringResembles": {"aws:username": "ann"}}, CONTEXT)


def test_variables_are_filled_in_and_their_wildcards_stand_for_themselves() -> None:
    assert matches("home/ann/x", "home/${aws:username}/*", {"aws:username": ("ann",)})
    assert not matches("home/ann/x", "home/${aws:username}/x", {"aws:username": ("*",)})
    assert matches("home/*/x", "home/${aws:username}/x", {"aws:username": ("*",)})
    assert not matches("home//x", "home/${aws:username}/x", {})
    assert matches("home/guest/x", "home/${aws:username, 'guest'}/x", {})
    assert matches("a*b", "a${*}b", {})
    assert not matches("axb", "a${*}b", {})


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": [SESSION]}, True),
        ({"AWS": ROOT}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, False),
        ({"AWS": ROLE + "2"}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_principals_of_a_resource_policy(principal: Any, expected: bool) -> None:
    document = allow(Principal=principal)
    assert (verdict([document], READ, WORKER) is Verdict.ALLOW) is expected


def test_a_service_principal_is_known_by_its_regional_name_too() -> None:
    document = allow(Principal={"Service": "logs.us-east-1.amazonaws.com"})
    assert verdict([document], READ, Identity(service="logs.amazonaws.com")) is Verdict.ALLOW
    assert verdict([document], READ, Identity(service="events.amazonaws.com")) is Verdict.NOTHING


def test_not_principal_denies_everybody_else() -> None:
    document = {"Statement": [{"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}]}
    assert verdict([document], READ, WORKER) is Verdict.NOTHING
    assert verdict([document], READ, Identity(frozenset({"arn:other"}))) is Verdict.DENY


def worker(*policies: dict[str, Any], **more: Any) -> Principal:
    return Principal(SESSION, WORKER, policies, **more)


def reason(who: Principal, resource_policy: dict[str, Any] | None = None, **more: str) -> str:
    denial = decide(who, READ, resource_policy, **more)
    return "" if denial is None else denial.reason


NO_IDENTITY = "because no identity-based policy allows the s3:GetObject action"


def test_nothing_is_allowed_by_silence() -> None:
    assert reason(worker()) == NO_IDENTITY


def test_an_identity_policy_is_enough() -> None:
    assert reason(worker(allow())) == ""


def test_a_resource_policy_that_names_the_caller_is_enough() -> None:
    assert reason(worker(), allow(Principal={"AWS": ROLE})) == ""


def test_a_resource_policy_for_the_account_leaves_it_to_identity_policies() -> None:
    assert reason(worker(), allow(Principal={"AWS": ROOT})) == NO_IDENTITY
    assert reason(worker(allow()), allow(Principal={"AWS": ROOT})) == ""


def test_explicit_denies_win_on_either_side() -> None:
    assert reason(worker(allow(), deny())) == "with an explicit deny in an identity-based policy"
    said = reason(worker(allow()), deny(Principal="*"))
    assert said == "with an explicit deny in a resource-based policy"


def test_a_boundary_limits_but_does_not_allow() -> None:
    assert reason(worker(allow(), boundary=(allow("s3:Put*"),))).startswith("because no permissions boundary")
    assert reason(worker(boundary=(allow(),))) == NO_IDENTITY
    assert reason(worker(allow(), boundary=(allow(),))) == ""


def test_a_session_policy_limits_but_does_not_allow() -> None:
    assert reason(worker(allow(), session=(allow("s3:Put*"),))).startswith("because no session policy")
    assert reason(worker(allow(), session=(allow("*", "*"),))) == ""


def test_a_key_needs_its_own_policy_to_allow() -> None:
    must = {"must_allow": "key policy"}
    no_resource = "because no key policy allows the s3:GetObject action"
    assert reason(worker(allow()), allow(Principal={"AWS": "arn:aws:iam::1:role/x"}), **must) == no_resource
    assert reason(worker(allow()), allow(Principal={"AWS": ROOT}), **must) == ""
    assert reason(worker(), allow(Principal={"AWS": ROOT}), **must) == NO_IDENTITY
    assert reason(worker(), allow(Principal={"AWS": ROLE}), **must) == ""


def test_a_service_has_only_resource_policies() -> None:
    events = Principal("events.amazonaws.com", Identity(service="events.amazonaws.com"))
    assert reason(events) == "because no resource-based policy allows the s3:GetObject action"
    assert reason(events, allow(Principal={"Service": "events.amazonaws.com"})) == ""


def test_a_denial_says_who_what_where_and_why() -> None:
    denial = decide(worker(), READ, None)
    assert str(denial) == (
        f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: {READ.resource} {NO_IDENTITY}"
    )
