from stacks.model_source import find_models
from stacks.synthesis import Template
from tests.infra.conftest import TINY, Assembly
from trimtab.telemetry import NAMESPACE, Metric

MEASURING = {"Drift", "Prediction", "Schema", "Quality", "Estimate", "Slice", "Change", "Forecast"}
"""Of a model without protected attributes; the one for slices needs slices."""


def _alarms(assembly: Assembly, model: str) -> dict[str, Template]:
    stack = f"trimtab-dev-model-{model}"
    found = [alarm for alarm in assembly.resources("AWS::CloudWatch::Alarm") if alarm.stack == stack]
    return {alarm.id.removeprefix("Alarms")[:-8]: alarm.properties for alarm in found}


def _paged(assembly: Assembly, model: str, page: str) -> tuple[set[str], Template]:
    """Names of the alarms that a composite alarm is above, and its properties."""
    stack = f"trimtab-dev-model-{model}"
    found = [one for one in assembly.resources("AWS::CloudWatch::CompositeAlarm") if one.stack == stack]
    (properties,) = [one.properties for one in found if one.id.removeprefix("Alarms")[:-8] == page]
    parts = properties["AlarmRule"]["Fn::Join"][1]
    assert {part for part in parts if isinstance(part, str)} == {'(ALARM("', '") OR ALARM("', '"))'}
    return {part["Fn::GetAtt"][0].removeprefix("Alarms")[:-8] for part in parts if isinstance(part, dict)}, properties


def test_every_alarm_says_what_missing_data_mean(assembly: Assembly) -> None:
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        assert alarm.properties["TreatMissingData"] in {"ignore", "breaching", "notBreaching"}, alarm.id


def test_people_hear_of_every_alarm_once_directly_or_by_a_page(assembly: Assembly) -> None:
    for model in ("flights", "tiny"):
        alarms = _alarms(assembly, model)
        telling = {name for name, found in alarms.items() if found.get("AlarmActions")}
        paged = [_paged(assembly, model, page) for page in ("Page", "ServicePage")]
        assert all(properties["AlarmActions"] and properties["OKActions"] for _, properties in paged)
        measured, service = (names for names, _ in paged)
        assert not telling & (measured | service)
        assert not measured & service
        assert set(alarms) - telling - measured - service == {"Settling"}


def test_measurements_page_nobody_while_the_serving_version_changes(assembly: Assembly) -> None:
    _, page = _paged(assembly, "tiny", "Page")
    assert page["ActionsSuppressor"]["Fn::GetAtt"][0].startswith("AlarmsSettling")
    assert (page["ActionsSuppressorWaitPeriod"], page["ActionsSuppressorExtensionPeriod"]) == (120, 300)
    settling = _alarms(assembly, "tiny")["Settling"]
    periods = {line["MetricStat"]["Period"] for line in settling["Metrics"] if "MetricStat" in line}
    assert periods == {3600}
    assert "ActionsSuppressor" not in _paged(assembly, "tiny", "ServicePage")[1]


def test_an_alarm_watches_only_metrics_that_trimtab_or_aws_emits(assembly: Assembly) -> None:
    emitted = {metric.value for metric in Metric}
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        if alarm.properties.get("Namespace") == NAMESPACE:
            assert alarm.properties["MetricName"] in emitted


def test_limits_come_from_the_spec(assembly: Assembly) -> None:
    (source,) = find_models([TINY])
    watch, alarms = source.spec.monitoring, _alarms(assembly, "tiny")
    assert alarms["Drift"]["Threshold"] == watch.psi_limit
    assert alarms["Prediction"]["Threshold"] == watch.prediction_psi_limit
    assert alarms["Quality"]["Threshold"] == watch.quality.max_drop
    for name in ("Drift", "Prediction", "Quality"):
        assert (alarms[name]["EvaluationPeriods"], alarms[name]["DatapointsToAlarm"]) == (
            watch.periods,
            watch.datapoints,
        )
        assert alarms[name]["TreatMissingData"] == "ignore"
        assert alarms[name]["Dimensions"] == [{"Name": "Model", "Value": "tiny"}]


def test_silence_rings_the_dead_man_alarm(assembly: Assembly) -> None:
    silence = _alarms(assembly, "tiny")["Silence"]
    assert silence["TreatMissingData"] == "breaching"
    assert silence["EvaluationPeriods"] * silence["Period"] == 48 * 3600
    assert (silence["ComparisonOperator"], silence["Threshold"]) == ("LessThanThreshold", 1)


def test_no_alarm_looks_back_further_than_cloudwatch_allows(assembly: Assembly) -> None:
    week = 7 * 24 * 3600
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        if "Period" in alarm.properties:
            assert alarm.properties["Period"] * alarm.properties["EvaluationPeriods"] <= week


def test_every_machine_and_every_dead_letter_queue_is_watched(assembly: Assembly) -> None:
    for model in ("flights", "tiny"):
        watched = set(_alarms(assembly, model))
        machines = ("Intake", "Training", "Promotion", "Rollback", "Monitoring", "Recovery")
        assert {f"{name}Broken" for name in machines} <= watched
        assert {"DeadLetters", "Disagreement"} <= watched


def test_recovery_starts_only_for_the_models_measuring_alarms(assembly: Assembly) -> None:
    for rule in assembly.resources("AWS::Events::Rule"):
        pattern = rule.properties.get("EventPattern", {})
        if pattern.get("source") == ["aws.cloudwatch"]:
            watched = {arn["Fn::GetAtt"][0][:-8].removeprefix("Alarms") for arn in pattern["resources"]}
            assert MEASURING - {"Slice"} <= watched <= MEASURING
            assert pattern["detail"] == {"state": {"value": ["ALARM"]}}


def test_every_runbook_that_an_alarm_names_exists(assembly: Assembly) -> None:
    from stacks.packaging import ROOT

    alarms = [*assembly.resources("AWS::CloudWatch::Alarm"), *assembly.resources("AWS::CloudWatch::CompositeAlarm")]
    for alarm in alarms:
        runbook = alarm.properties["AlarmDescription"].rsplit(" ", 1)[1]
        assert (ROOT / runbook).is_file(), runbook
