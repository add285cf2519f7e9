from stacks.packaging import ROOT
from stacks.synthesis import Template
from tests.infra.conftest import Assembly
from trimtab.contracts import Settings

SHARED = {"record_failure"}
TELLING = {"notify_webhook"}
"""Of a stage with receivers alone, one for each: tests/infra/test_webhooks.py."""
SEARCHING = {"plan_search", "read_search"}
"""Of a model that searches for hyperparameters alone."""
TRACKING = {"track_run"}
"""Of a model whose runs are tracked elsewhere alone."""
STORING = {"store_features", "score_records"}
"""Of a model with a feature store alone."""
CONDUCTED = {"shift_traffic"}
"""Of a model whose traffic is not moved by SageMaker's guardrails alone."""
SHAPING = {"scale_endpoint", "rest_endpoint"}
"""Of a model whose endpoint follows requests, or sleeps, alone."""
SCORING = {"plan_batch", "finish_batch"}
"""Of a model that scores files alone."""
RULED = {"approve_candidate"}
"""Of a model whose spec approves by rule alone."""
GATED = {"release_gate"}
"""Of a model whose rollout has manual gates alone."""
LAKE = {"plan_lake", "read_lake"}
"""Of a model whose drops may point to a lake alone."""


def _functions(assembly: Assembly, stack: str) -> dict[str, Template]:
    """Properties by the function's verb and noun."""
    return {
        function.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: function.properties
        for function in assembly.resources("AWS::Lambda::Function")
        if function.stack == stack
    }


def test_every_folder_under_functions_is_deployed_once(assembly: Assembly) -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")} - LAKE - SCORING - RULED
    folders -= TELLING
    assert set(_functions(assembly, "trimtab-dev-control")) == SHARED
    absent = SHARED | SEARCHING | TRACKING | STORING | CONDUCTED | SHAPING | GATED
    assert set(_functions(assembly, "trimtab-dev-model-flights")) == folders - absent
    assert set(_functions(assembly, "trimtab-dev-model-searched")) == folders - SHARED - TRACKING - STORING - SHAPING


def test_functions_are_given_exactly_the_settings_that_exist(assembly: Assembly) -> None:
    known = {Settings.variable(field) for field in Settings.model_fields}
    known -= {"TRIMTAB_SPEC_PATH", "TRIMTAB_RECEIVER"}
    for name, properties in _functions(assembly, "trimtab-dev-model-flights").items():
        given = {key for key in properties["Environment"]["Variables"] if key.startswith("TRIMTAB_")}
        assert given == known, name


def test_shared_functions_have_every_setting_that_is_required(assembly: Assembly) -> None:
    required = {Settings.variable(name) for name, field in Settings.model_fields.items() if field.is_required()}
    for properties in _functions(assembly, "trimtab-dev-control").values():
        assert required <= set(properties["Environment"]["Variables"])


def test_functions_run_on_a_python_that_aws_supports_for_years(assembly: Assembly) -> None:
    for function in assembly.resources("AWS::Lambda::Function"):
        assert function.properties["Runtime"] == "python3.12"
        assert function.properties["TracingConfig"] == {"Mode": "Active"}


def test_only_functions_that_read_columns_carry_arrow(assembly: Assembly) -> None:
    functions = _functions(assembly, "trimtab-dev-model-flights")
    columnar = {name for name, properties in functions.items() if len(properties["Layers"]) == 3}
    assert columnar == {
        "validate_drop",
        "plan_shares",
        "validate_share",
        "merge_shares",
        "build_dataset",
        "collect_window",
        "decode_share",
        "measure_drift",
        "join_truth",
        "measure_quality",
    }


def test_a_function_has_a_role_of_its_own(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    roles = {(f.stack, f.properties["Role"]["Fn::GetAtt"][0]) for f in functions}
    assert len(roles) == len(functions)


def test_jobs_and_endpoints_use_aws_own_image_in_every_region(assembly: Assembly) -> None:
    template = assembly.templates["trimtab-dev-model-flights"]
    (accounts,) = template["Mappings"].values()
    assert accounts["us-east-1"] == {"account": "683313688378"}
    assert {"eu-central-1", "cn-north-1", "us-gov-west-1"} <= set(accounts)
    uri = str(_functions(assembly, "trimtab-dev-model-flights")["plan_rollout"]["Environment"])
    assert "sagemaker-scikit-learn:1.9-0-cpu-py3" in uri
    assert "AWS::URLSuffix" in uri
