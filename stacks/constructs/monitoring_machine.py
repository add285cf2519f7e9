"""From captured traffic and late truth to measurements that alarms watch."""

from constructs import Construct

from stacks.asl import (
    THIS_RUN,
    Json,
    States,
    call,
    choose,
    equals,
    exceeds,
    machine,
    one_share,
    record_failure,
    remember,
    spread,
    succeed,
)
from stacks.constructs.machine import Machine, may_spread
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.names import MONITORING_PAGE

_SHARES = "Shares"


class MonitoringMachine(Construct):
    """Owns the machine ``monitoring`` and its functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self.collect_window = _collect_window(self, parts)
        self.decode_share = _decode_share(self, parts)
        self.measure_drift = _measure_drift(self, parts)
        self.join_truth = _join_truth(self, parts)
        self.measure_quality = _measure_quality(self, parts)
        self.publish_metrics = parts.function(self, "publish_metrics")
        self.measure_change = parts.function(self, "measure_change")
        self.publish_page = _publish_page(self, parts)
        self.functions = (
            self.collect_window,
            self.decode_share,
            self.measure_drift,
            self.join_truth,
            self.measure_quality,
            self.publish_metrics,
            self.measure_change,
            self.publish_page,
        )
        self._fan_out = parts.spec.monitoring.windows.fan_out
        name = parts.names.machine("monitoring")
        self.machine = Machine(
            self,
            "Monitoring",
            name=name,
            definition=self._definition(parts.record_failure),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(*may_spread(name, (_SHARES,), parts.operations_key))

    def _definition(self, failure: RuntimeFunction) -> Json:
        states = self._windows() | self._drift() | self._quality() | record_failure(failure, "monitoring")
        return machine("Traffic and truth since the last time are measured.", "Begin", states, timeout_s=6 * 3600)

    def _windows(self) -> States:
        """One window in each turn, the oldest first, until none is left or the run has had its fill."""
        turn = {"turn.$": "$.collected.turn", "windows.$": "$.collected.windows"}
        return {
            "Begin": remember({"turn": 0, "windows": 0}, at="$.collected", then="CollectWindow"),
            "CollectWindow": call(
                self.collect_window, THIS_RUN | turn, result="$.collected", then="HasTraffic", on_error="RecordFailure"
            ),
            "DecodeShares": spread(
                "$.collected.shares",
                THIS_RUN | {"plan.$": "$.collected.plan", "share.$": "$$.Map.Item.Value"},
                one_share(
                    self.decode_share,
                    ("plan",),
                    does="DecodeShare",
                    done="ShareDecoded",
                    failed="DecodingFailed",
                    counts="rows",
                ),
                label=_SHARES,
                at_once=self._fan_out.at_once,
                result="$.decoded",
                then="MergeWindow",
                on_error="RecordFailure",
            ),
            "MergeWindow": call(
                self.collect_window,
                THIS_RUN | turn | {"plan.$": "$.collected.plan"},
                result="$.collected",
                then="HasTraffic",
                on_error="RecordFailure",
            ),
            "IsBehind": choose(equals("$.collected.more", True, "CollectWindow"), otherwise="MeasureChange"),
        }

    def _drift(self) -> States:
        return {
            "HasTraffic": choose(
                equals("$.collected.outcome", "Collected", "MeasureDrift"),
                equals("$.collected.outcome", "Large", "DecodeShares"),
                otherwise="NoteNoDrift",
            ),
            "NoteNoDrift": {
                "Type": "Pass",
                # the window is null here, and a null of our own would not survive synthesis
                "Parameters": {"measured.$": "$.collected.window"},
                "ResultPath": "$.drift",
                "Next": "JoinTruth",
            },
            "MeasureDrift": call(
                self.measure_drift,
                THIS_RUN | {"window.$": "$.collected.window"},
                result="$.drift.measured",
                then="JoinTruth",
                on_error="RecordFailure",
            ),
        }

    def _quality(self) -> States:
        measured = {"window.$": "$.collected.window", "drift.$": "$.drift.measured", "quality.$": "$.quality"}
        ended = {"more.$": "$.collected.more"}
        return {
            "JoinTruth": call(
                self.join_truth,
                THIS_RUN | {"turn.$": "$.collected.turn"},
                result="$.truth",
                then="MeasureQuality",
                on_error="RecordFailure",
            ),
            "MeasureQuality": call(
                self.measure_quality,
                THIS_RUN | {"window.$": "$.collected.window", "joined.$": "$.truth.joined"},
                result="$.quality",
                then="PublishMetrics",
                on_error="RecordFailure",
            ),
            "PublishMetrics": call(
                self.publish_metrics,
                THIS_RUN | measured | ended,
                result="$.published",
                then="IsBehind",
                on_error="RecordFailure",
            ),
            "MeasureChange": call(
                self.measure_change, THIS_RUN, result="$.change", then="PublishPage", on_error="RecordFailure"
            ),
            "PublishPage": call(self.publish_page, THIS_RUN, result="$.page", then="Outcome", on_error="RecordFailure"),
            "Outcome": choose(exceeds("$.collected.windows", 0, "Measured"), otherwise="NoData"),
            "Measured": succeed("All windows that were complete were measured, in their order."),
            "NoData": succeed("No new traffic was captured; truth that came was joined."),
        }


def _collect_window(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads captured traffic, or what was decoded of it, writes the window."""
    function = parts.function(scope, "collect_window", columnar=True, timeout_s=840)
    parts.captures.grant_read(function.role)
    parts.captures.grant_list(function.role)
    parts.captures.grant_write(function.role, "windows")
    parts.temporary.grant_read(function.role, "windows")
    parts.temporary.grant_write(function.role, "windows")
    return function


def _decode_share(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads some of a window's capture files, writes their records. It has nothing to do with the ledger."""
    function = RuntimeFunction(scope, "decode_share", defaults=parts.defaults, columnar=True, timeout_s=780)
    parts.captures.grant_read(function.role, "capture")
    parts.temporary.grant_read(function.role, "windows")
    parts.temporary.grant_write(function.role, "windows")
    return function


def _measure_drift(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the window and the baseline of its version, of earlier years' drops their profiles; writes the report."""
    function = parts.function(scope, "measure_drift", columnar=True, timeout_s=600)
    parts.captures.grant_read(function.role, "windows")
    parts.captures.grant_write(function.role, "windows")
    parts.artifacts.grant_read(function.role, "datasets", "runs", "baselines")
    if parts.spec.monitoring.reference == "same_period":
        parts.artifacts.grant_read(function.role, "reports")
        parts.artifacts.grant_list(function.role)
    return function


def _join_truth(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads truth by version and windows, writes joined windows; a window may not have been joined yet."""
    function = parts.function(scope, "join_truth", columnar=True, timeout_s=600)
    parts.drops.grant_read(function.role, "truth", "quarantine")
    parts.captures.grant_read(function.role, "windows")
    parts.captures.grant_list(function.role)
    parts.captures.grant_write(function.role, "windows")
    return function


def _measure_quality(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads joined windows and the evaluations of their versions, writes reports beside each."""
    function = parts.function(scope, "measure_quality", columnar=True, timeout_s=600)
    parts.artifacts.grant_read(function.role, "runs")
    parts.captures.grant_read(function.role, "windows")
    parts.captures.grant_write(function.role, "windows")
    return function


def _publish_page(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the ledger and what lies beside the windows, writes the page; it has nothing to write into the ledger."""
    function = RuntimeFunction(scope, "publish_page", defaults=parts.defaults, timeout_s=120)
    parts.ledger.grant_entries(function.role, parts.spec.name)
    parts.captures.grant_read(function.role, "windows", MONITORING_PAGE[0])
    parts.captures.grant_list(function.role)
    parts.captures.grant_write(function.role, "windows", MONITORING_PAGE[0])
    return function
