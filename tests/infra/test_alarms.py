import json

from stacks.model_source import find_models
from stacks.synthesis import Template
from tests.infra.conftest import TINY, Assembly
from trimtab.names import ModelNames
from trimtab.recovery.rings import UNHEARD, kind_named
from trimtab.rollout.reconciliation import pages_of
from trimtab.telemetry import NAMESPACE, Metric

ALARM_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")

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


def test_the_reconciler_finds_the_pages_of_a_model_by_their_names(assembly: Assembly) -> None:
    for model in ("flights", "tiny"):
        for page in ("Page", "ServicePage"):
            assert _paged(assembly, model, page)[1]["AlarmName"].startswith(pages_of(ModelNames("dev", model)))


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
        assert (alarms[name]["EvaluationPeriods"], alarms[name]["DatapointsToAlarm"]) == (1, 1)
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


def test_recovery_hears_every_alarm_of_its_model_but_sums_mutes_and_its_own_end(assembly: Assembly) -> None:
    rules = [rule for rule in assembly.resources("AWS::Events::Rule") if rule.id.startswith("TriggersAlarm")]
    assert len(rules) == 3, "one a model"
    for rule in rules:
        pattern = rule.properties["EventPattern"]
        (prefix,) = pattern["resources"]
        assert json.dumps(prefix["prefix"]).endswith(f':alarm:{rule.stack}-Alarms"]]}}')
        assert pattern["detail"]["state"] == {"value": ["ALARM", "OK"]}
        (unheard,) = pattern["detail"]["alarmName"]
        left_out = {name["Ref"] for name in unheard["anything-but"]}
        kinds = [resource for type in ALARM_TYPES for resource in assembly.resources(type)]
        mine = {alarm.id: kind_named(f"{rule.stack}-{alarm.id}") for alarm in kinds if alarm.stack == rule.stack}
        assert all(mine.values()), "its name says what each is about"
        assert {mine[id] for id in left_out} == UNHEARD
        heard = {kind for id, kind in mine.items() if id not in left_out}
        assert {"drift", "errors", "saturation", "silence", "given_up", "dead_letters", "monitoring_broken"} <= heard
        template = rule.properties["Targets"][0]["InputTransformer"]["InputTemplate"]
        assert '"state":<detail-state-value>' in template


def test_the_pattern_that_hears_alarms_is_no_longer_than_eventbridge_takes(assembly: Assembly) -> None:
    """2,048 characters, once names are filled in; the longest that CloudFormation makes for a model."""
    for rule in assembly.resources("AWS::Events::Rule"):
        if rule.id.startswith("TriggersAlarm"):
            text = json.dumps(rule.properties["EventPattern"]).replace('{"Ref": ', "N" * 100)
            assert len(text) < 2048


def test_every_runbook_that_an_alarm_names_exists(assembly: Assembly) -> None:
    from stacks.packaging import ROOT

    alarms = [*assembly.resources("AWS::CloudWatch::Alarm"), *assembly.resources("AWS::CloudWatch::CompositeAlarm")]
    for alarm in alarms:
        runbook = alarm.properties["AlarmDescription"].rsplit(" ", 1)[1]
        assert (ROOT / runbook).is_file(), runbook
