"""`trimtab history`: what people read."""

from rich.console import Console

from cli.history import table
from tests.fakes import NOON, MemoryLedger


def test_every_entry_is_shown_with_its_time_kind_and_summary() -> None:
    ledger = MemoryLedger("tiny")
    ledger.append("drop.accepted", "abc", {"summary": "a.parquet: accepted"}, NOON, "accept_drop")
    ledger.append("retrain.suppressed", "def", {}, NOON, "decide_retrain")
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table(ledger.entries()))
    shown = console.export_text()
    assert "2026-01-01 12:00:00" in shown
    assert "drop.accepted" in shown
    assert "a.parquet: accepted" in shown
    assert "retrain.suppressed" in shown
