"""CloudWatch's alarms, translated for people."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.unit.notifications.cloudwatch import REGION, arn_of, changed, crossed, drifted, page
from tests.unit.reports.monitored import seen
from trimtab.monitoring.alarms import children, read_description, reading_of
from trimtab.notifications.alarms import Known, of_alarm
from trimtab.notifications.formats import as_text
from trimtab.notifications.notification import Notification
from trimtab.notifications.received import AlarmMessage, read_alarm
from trimtab.reports.monitoring_seen import Act, Seen

PAGE = "s3://captures/tiny/reports/monitoring.html"
DOCS = "https://docs.test"
AT = NOON + timedelta(days=1)


def alarm(text: str) -> AlarmMessage:
    found = read_alarm(text)
    assert found is not None
    return found


def told(text: str, **known: object) -> Notification:
    return of_alarm(Known(alarm(text), **known))  # type: ignore[arg-type]


def test_a_page_says_what_how_much_since_when_what_was_done_and_what_to_do() -> None:
    acts = [Act(AT, "retrain.suppressed", "drift", "cooldown until 18:00"), Act(NOON, "alarm.told", "bias", "old")]
    known = replace(seen(1), acts=sorted(acts, key=lambda act: act.at))
    found = told(page(AT, "tiny-Drift"), ringing=[drifted(AT)], seen=known, docs=DOCS, page=PAGE)
    window = known.windows[0]
    moved, scores = window.cell("x"), window.drift["prediction_value"]
    assert found.subject == "[tiny] what is measured is beyond its limits"
    text = as_text(found).splitlines()
    assert text[:3] == [
        "What happened: What is measured is beyond its limits.",
        "How much:",
        "- columns have drifted: 0.41, limit 0.25",
    ]
    assert text[3] == f"- moved: x: PSI {moved.psi:.3f} ± {moved.error:.3f}, limit 0.25, since 2026-01-02"
    assert text[4].startswith(f"- scores: PSI {scores:.3f}")
    assert text[-6:] == [
        "Since: 2026-01-02 11:00 UTC",
        "What was done: 2026-01-02 12:00 drift: did not train. cooldown until 18:00",
        "What to do next: Read docs/runbooks/page.md. All of it: trimtab drift tiny; why it is trained again or not: "
        "trimtab retraining status tiny",
        f"More: {PAGE}",
        "Runbook: https://docs.test/docs/runbooks/page.md",
        f"Alarm: https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#alarmsV2:alarm/tiny-Page",
    ]


def test_before_recovery_has_decided_the_page_says_where_it_will_be_seen() -> None:
    found = told(page(AT, "tiny-Drift"), ringing=[drifted(AT)], seen=Seen("tiny", 1))
    assert as_text(found).splitlines()[3] == (
        "What was done: nothing yet: recovery decides on each alarm within minutes"
    )


def test_an_alarm_on_the_endpoint_tells_its_reading_and_starts_nothing() -> None:
    said = "tiny: over 5% of the requests fail. What to do: docs/runbooks/endpoint.md"
    text = changed("tiny-Errors", said, AT, NewStateReason=crossed(0.125, 0.05), Trigger={"Threshold": 0.05})
    assert as_text(told(text)) == (
        "What happened: Over 5% of the requests fail.\n"
        "How much: over 5% of the requests fail: 0.125, limit 0.05\n"
        "Since: 2026-01-02 12:00 UTC\n"
        "What was done: nothing: this alarm starts nothing by itself\n"
        "What to do next: Read docs/runbooks/endpoint.md. What happened before: trimtab history tiny\n"
        f"Alarm: https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#alarmsV2:alarm/tiny-Errors"
    )


def test_silence_is_told_in_cloudwatchs_words() -> None:
    reason = "Threshold Crossed: no datapoints were received for 48 periods and 48 missing were treated as [Breaching]."
    said = "tiny: nothing was measured for 48 hours. What to do: docs/runbooks/silence.md"
    found = told(changed("tiny-Silence", said, AT, NewStateReason=reason, Trigger={"Threshold": 1.0}))
    assert found.how_much == [f"nothing was measured for 48 hours: {reason}"]


def test_what_is_over_is_told_as_over() -> None:
    found = told(page(AT, "tiny-Drift", state="OK"), ringing=[], seen=None)
    assert (found.state, found.subject) == ("ok", "[tiny] over: what is measured is beyond its limits")
    assert as_text(found).splitlines()[:3] == [
        "What happened: It is over: what is measured is beyond its limits.",
        "Since: 2026-01-02 12:00 UTC",
        "What to do next: Nothing. What was decided in the meantime: trimtab history tiny",
    ]


def test_an_alarm_of_no_model_and_one_that_somebody_else_made_are_told_as_they_are() -> None:
    own = told(changed("Unrecorded", "A failure could not be written down. What to do: docs/runbooks/x.md", AT))
    assert (own.subject, own.model) == ("[trimtab] A failure could not be written down", "")
    foreign = told(changed("cpu", "", AT, NewStateReason="too hot"))
    assert (foreign.what, foreign.how_much) == ("Cpu.", ["cpu: too hot"])


def test_of_many_columns_that_moved_three_are_told_and_how_many_there_are() -> None:
    window = seen(1).windows[0]
    names = ["a", "b", "c", "d", "e"]
    drift = {**window.drift, "columns": dict.fromkeys(names, 0.4), "drifted": names, "quality": {}}
    known = replace(seen(1), windows=[replace(window, drift=drift)], earlier=[])
    lines = told(page(AT, "tiny-Drift"), ringing=[drifted(AT)], seen=known).how_much
    assert [line for line in lines if line.startswith("moved")] == [
        f"moved: {name}: PSI 0.400, limit 0.25" for name in "abc"
    ]
    assert lines[-1] == "5 columns moved in all"


def test_why_a_training_failed_stays_in_the_account() -> None:
    acts = [Act(AT, "training.released", "training", "could not read 'Ann Smith'")]
    found = told(page(AT, "tiny-Drift"), ringing=[drifted(AT)], seen=replace(seen(1), acts=acts))
    assert found.done == ["2026-01-02 12:00 training: training ended."]


def test_broken_columns_are_named_and_no_value_of_theirs() -> None:
    window = seen(1).newest
    assert window is not None
    broken = {"message": "holds 'Ann Smith'", "columns": ["kind"]}
    known = replace(seen(1), windows=[replace(window, drift={**window.drift, "schema_breaks": [broken]})])
    text = as_text(told(page(AT, "tiny-Drift"), ringing=[drifted(AT)], seen=known))
    assert "- broken: kind" in text
    assert "Ann" not in text


@pytest.mark.parametrize("text", ["hello", "[1]", "{}", '{"NewStateValue": "ALARM"}', '{"requestParameters": {}}'])
def test_other_messages_are_no_alarms(text: str) -> None:
    assert read_alarm(text) is None


def test_a_description_has_a_model_a_sentence_and_a_page() -> None:
    found = read_description("my-model: over 5.5 % fail. What to do: docs/runbooks/endpoint.md")
    assert (found.model, found.what, found.runbook) == ("my-model", "over 5.5 % fail", "docs/runbooks/endpoint.md")
    assert read_description("What: is this") == read_description(" What: is this ")
    assert read_description("What: is this").what == "What: is this"


def test_a_rule_names_the_alarms_that_it_wants_to_ring() -> None:
    rule = f'(ALARM("{arn_of("a")}") OR ALARM(\'b\') OR ALARM(c)) AND NOT OK("d")'
    assert children(rule) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        (crossed(0.41, 0.25), 0.41),
        ("Threshold Crossed: 2 out of the last 2 datapoints [5.0 (x), 6.0 (y)] were greater", 5.0),
        ("Threshold Crossed: 1 datapoint [1.2E-4 (x)] was", 1.2e-4),
        ("no datapoints were received", None),
        ("treated as [Breaching]", None),
    ],
)
def test_the_newest_reading_is_read_from_cloudwatchs_reason(reason: str, value: float | None) -> None:
    assert reading_of(reason) == value
