"""How a Lambda function begins."""

import json

import pytest

from tests.fakes import TINY_SETTINGS
from trimtab.contracts import Settings
from trimtab.entrypoint import EmfMetrics, read_settings
from trimtab.errors import SettingsError
from trimtab.telemetry import Metric

ENVIRONMENT = {Settings.variable(name): str(value) for name, value in TINY_SETTINGS.model_dump().items()}


def test_settings_are_read_from_the_environment() -> None:
    assert read_settings(ENVIRONMENT | {"PATH": "/bin"}) == TINY_SETTINGS


def test_a_missing_setting_is_named() -> None:
    incomplete = {name: value for name, value in ENVIRONMENT.items() if name != "TRIMTAB_LEDGER_TABLE"}
    with pytest.raises(SettingsError, match="TRIMTAB_LEDGER_TABLE; deploy its stack again"):
        read_settings(incomplete)


def test_a_metric_has_exactly_the_dimensions_that_alarms_name(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics("tiny").put(Metric.PSI, 0.5, Column="x")
    line = json.loads(capsys.readouterr().out)
    described = line["_aws"]["CloudWatchMetrics"][0]
    assert described["Namespace"] == "Trimtab"
    assert described["Dimensions"] == [["Model", "Column"]]
    assert [metric["Name"] for metric in described["Metrics"]] == ["Psi"]
    assert (line["Model"], line["Column"], line["Psi"]) == ("tiny", "x", 0.5)
