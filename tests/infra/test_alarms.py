from stacks.model_source import find_models
from stacks.synthesis import Template
from tests.infra.conftest import TINY, Assembly
from trimtab.telemetry import NAMESPACE, Metric


def _alarms(assembly: Assembly, model: str) -> dict[str, Template]:
    stack = f"trimtab-dev-model-{model}"
    found = [alarm for alarm in assembly.resources("AWS::CloudWatch::Alarm") if alarm.stack == stack]
    return {alarm.id.removeprefix("Alarms")[:-8]: alarm.properties for alarm in found}


def test_every_alarm_says_what_missing_data_mean_and_tells_people(assembly: Assembly) -> None:
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        assert alarm.properties["TreatMissingData"] in {"ignore", "breaching", "notBreaching"}, alarm.id
        assert alarm.properties["AlarmActions"], alarm.id


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
            assert watched == {"Drift", "Prediction", "Quality", "Change"}
            assert pattern["detail"] == {"state": {"value": ["ALARM"]}}


def test_every_runbook_that_an_alarm_names_exists(assembly: Assembly) -> None:
    from stacks.packaging import ROOT

    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        runbook = alarm.properties["AlarmDescription"].rsplit(" ", 1)[1]
        assert (ROOT / runbook).is_file(), runbook
