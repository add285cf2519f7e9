"""The alarms of one model: on what is measured in production, on its endpoint, and on what should run by itself."""

from typing import TypeVar

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm_limits import (
    ABOVE,
    BELOW,
    FIVE_MINUTES,
    HOUR,
    KEEP,
    LOUD,
    QUIET,
    REACHED,
    Limit,
    described,
    make_alarm,
    model_metric,
)
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine
from stacks.constructs.measuring_alarms import measuring_alarms
from stacks.constructs.service_alarms import ServiceAlarms
from trimtab.names import ModelNames
from trimtab.spec import Spec
from trimtab.telemetry import Metric

A = TypeVar("A", bound=cloudwatch.AlarmBase)
_WAIT = Duration.minutes(2)
"""A rollout's look and a reading may come in the same minute: the page waits for the alarm that mutes it."""


class ModelAlarms(Construct):
    """Owns the alarms. ``asking`` are those on measurements; recovery hears all but ``unheard``. No state.

    People hear of measurements and of the endpoint by a page above each group: one cause, one page.
    """

    def __init__(self, scope: Construct, id: str, *, spec: Spec, names: ModelNames, topic: sns.ITopic) -> None:
        super().__init__(scope, id)
        self._spec, self._action = spec, actions.SnsAction(topic)
        measured = measuring_alarms(self, spec)
        self.drift, self.quality = measured["drift"], measured["quality"]
        self.asking = tuple(measured.values())
        self.service = ServiceAlarms(self, spec=spec, names=names)
        settling = self._settling()
        pages = (self._page(settling), self._service_page())
        watching = (self._silence(), *self._unread(), *self._missing_truth()) if spec.is_measured else ()
        telling = (*watching, self._disagreement(), self._given_up(), *self._missing_drops())
        muting = [settling] if settling else []
        self.all: list[cloudwatch.IAlarm] = [*pages, *self.asking, *self.service.all, *telling, *muting]

    @property
    def unheard(self) -> list[cloudwatch.AlarmBase]:
        """Sums of alarms that are heard themselves, what mutes the page, and what says that recovery broke off.

        Recovery that broke off would break off again when it is told so, without end.
        """
        names = ("Page", "ServicePage", "Settling", "RecoveryBroken")
        found = [self.node.try_find_child(name) for name in names]
        return [alarm for alarm in found if isinstance(alarm, cloudwatch.AlarmBase)]

    def watch_machine(self, machine: Machine) -> None:
        """People are told when an execution fails, times out or is aborted."""
        counted = {
            "failed": machine.machine.metric_failed,
            "late": machine.machine.metric_timed_out,
            "aborted": machine.machine.metric_aborted,
        }
        ended = {name: count(period=FIVE_MINUTES, statistic="Sum") for name, count in counted.items()}
        broken = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in ended),
            using_metrics=ended,
            label="executions that broke off",
            period=FIVE_MINUTES,
        )
        name = machine.node.id
        self._telling(f"{name}Broken", broken, Limit(0, QUIET), f"{name.lower()} broke off", "broken-machine")

    def watch_dead_letters(self, dead_letters: DeadLetters) -> None:
        """People are told when an event could not be delivered."""
        waiting = dead_letters.queue.metric_approximate_number_of_messages_visible(
            period=FIVE_MINUTES, statistic="Maximum"
        )
        self._telling("DeadLetters", waiting, Limit(0, QUIET), "an event could not be delivered", "dead-letters")

    def _page(self, settling: cloudwatch.Alarm | None) -> cloudwatch.CompositeAlarm:
        """While a rollout runs or its baseline is new it keeps to itself; what still rings afterwards is told then."""
        page = cloudwatch.CompositeAlarm(
            self,
            "Page",
            alarm_rule=cloudwatch.AlarmRule.any_of(*self.asking),
            alarm_description=described(self._spec, "what is measured is beyond its limits", "page"),
            actions_suppressor=settling,
            actions_suppressor_wait_period=_WAIT if settling else None,
            actions_suppressor_extension_period=FIVE_MINUTES if settling else None,
        )
        return self._tells(page)

    def _settling(self) -> cloudwatch.Alarm | None:
        """Rings while a rollout is looked at, and for a time after that and after the serving version has changed."""
        minutes = self._spec.monitoring.alarms.mute_minutes
        if not minutes:
            return None
        lasting = Duration.minutes(minutes)
        counted = {
            "looks": model_metric(self._spec, Metric.ROLLOUT_SHARE, "SampleCount", lasting),
            "promoted": model_metric(self._spec, Metric.ROLLOUTS_SERVING, "Sum", lasting),
            "restored": model_metric(self._spec, Metric.ROLLBACKS, "Sum", lasting),
        }
        happened = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in counted),
            using_metrics=counted,
            label="looks and changes",
            period=lasting,
        )
        what = "the version that serves is changing, so measurements page nobody"
        return make_alarm(self, "Settling", happened, Limit(0, QUIET), described(self._spec, what, "page"))

    def _service_page(self) -> cloudwatch.CompositeAlarm:
        """Never muted: a rollout that breaks production is no reason for silence."""
        page = cloudwatch.CompositeAlarm(
            self,
            "ServicePage",
            alarm_rule=cloudwatch.AlarmRule.any_of(*self.service.all),
            alarm_description=described(self._spec, "the endpoint fails, is full, or behaves unusually", "endpoint"),
        )
        return self._tells(page)

    def _silence(self) -> cloudwatch.Alarm:
        """The dead-man alarm: no reading for as long as the spec allows. Where none can come it would ring for ever.

        CloudWatch sees that nothing came for a week at most; of longer silences every run says how long they last.
        """
        hours, what = (
            self._spec.monitoring.silent_hours,
            "nothing was judged of the version that serves in the last {} hours",
        )
        if self._spec.monitoring.tells_its_silence:
            silent = model_metric(self._spec, Metric.SILENT_HOURS, "Minimum", FIVE_MINUTES)
            return self._telling("Silence", silent, Limit(hours, KEEP), what.format(hours), "silence")
        rings = Limit(1, LOUD, hours, hours, BELOW)
        readings = model_metric(self._spec, Metric.READING, "SampleCount", HOUR)
        return self._telling("Silence", readings, rings, what.format(hours), "silence")

    def _unread(self) -> list[cloudwatch.IAlarm]:
        """What cannot be read, or was answered with no score, is measured by nothing else."""
        watch = self._spec.monitoring
        unreadable = model_metric(self._spec, Metric.UNREADABLE, "Maximum", FIVE_MINUTES)
        unusable = model_metric(self._spec, Metric.UNUSABLE, "Maximum", FIVE_MINUTES)
        most, many = Limit(watch.alarms.max_unreadable_share, KEEP), Limit(watch.quality.max_unusable, KEEP)
        return [
            self._telling("Unreadable", unreadable, most, "captured requests cannot be read", "unreadable"),
            self._telling("Unusable", unusable, many, "answers are no scores that can be measured", "unreadable"),
        ]

    def _disagreement(self) -> cloudwatch.Alarm:
        """What serves is not what was decided, or nobody would hear of it."""
        found = model_metric(self._spec, Metric.RECONCILE_FINDINGS, "Maximum", FIVE_MINUTES)
        what = "what serves is not what was decided"
        return self._telling("Disagreement", found, Limit(0, KEEP), what, "disagreement")

    def _given_up(self) -> cloudwatch.Alarm:
        """Retraining has stopped by itself, until a person resumes it."""
        given_up = model_metric(self._spec, Metric.RETRAININGS_GIVEN_UP, "Maximum", FIVE_MINUTES)
        what = "the model is trained no more before a person resumes"
        return self._telling("GivenUp", given_up, Limit(1, KEEP, comparison=REACHED), what, "given-up")

    def _missing_drops(self) -> list[cloudwatch.IAlarm]:
        """Only where the spec says how often data come."""
        if self._spec.data.expected_every_days is None:
            return []
        missing = model_metric(self._spec, Metric.DROPS_MISSING, "Maximum", FIVE_MINUTES)
        what = "drops of data that should have come are missing"
        return [self._telling("MissingDrops", missing, Limit(0, KEEP), what, "missing-drops")]

    def _missing_truth(self) -> list[cloudwatch.IAlarm]:
        """Only where the spec says when truth comes."""
        watch = self._spec.monitoring
        if watch.alarms.truth_expected_days is None:
            return []
        missing = model_metric(self._spec, Metric.TRUTH_MISSING, "Maximum", FIVE_MINUTES)
        least = watch.quality.min_coverage
        limit = Limit(1 - least, KEEP, comparison=ABOVE if least else REACHED)
        what = f"truth that was due after {watch.alarms.truth_expected_days} days has not come"
        return [self._telling("MissingTruth", missing, limit, what, "missing-truth")]

    def _telling(self, id: str, metric: cloudwatch.IMetric, limit: Limit, what: str, runbook: str) -> cloudwatch.Alarm:
        """An alarm of which people hear directly."""
        return self._tells(make_alarm(self, id, metric, limit, described(self._spec, what, runbook)))

    def _tells(self, alarm: A) -> A:
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm
