"""What `trimtab data` prints for people."""

from typing import Any

from rich.table import Table
from rich.text import Text

from cli.terminal import wide_console
from trimtab.data.drift import Judgement
from trimtab.reports.drop_report import rule_said
from trimtab.reports.figures import figure

_STYLES = {"accept": "bold green", "accept_warn": "bold yellow", "quarantine": "bold red"}
_WORDS = {"accept": "accepted", "accept_warn": "accepted, with warnings", "quarantine": "refused"}


def show_check(report: dict[str, Any]) -> None:
    """The verdict, how the file was read, and what was found."""
    console = wide_console()
    console.print(Text(_WORDS[report["verdict"]], style=_STYLES[report["verdict"]]), _facts(report))
    if report["findings"]:
        console.print(_findings(report["findings"]))
    if report["drift"]:
        console.print(_drift(report["drift"]))
    if report["separation"]:
        auc = report["separation"]["auc"]
        console.print(f"All columns together: rows are told from the reference's with AUC {auc:.2f} (0.5: not at all)")


def show_drift(drift: list[dict[str, Any]]) -> None:
    """The drift of every column, largest first."""
    wide_console().print(_drift(drift) if drift else "The files have no columns in common.")


def _facts(report: dict[str, Any]) -> Text:
    readings = [", ".join(_fact(key, value) for key, value in facts.items() if value) for facts in report["reading"]]
    return Text(f"{report['rows']:,} rows; read as {' and as '.join(readings)}")


def _fact(key: str, value: object) -> str:
    words = {"delimiter": f"delimiter {value!r}", "quote": f"quote {value}", "decimal": f"decimal {value}"}
    return "byte order mark" if key == "byte_order_mark" else words.get(key, str(value))


def _findings(findings: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "rule", "what", "rows"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("", "rule"))
    for found in findings:
        style = "red" if found["severity"] == "refuse" else "yellow"
        table.add_row(Text(found["severity"], style=style), found["rule"], Text(found["message"]), _rows(found))
    return table


def _rows(found: dict[str, Any]) -> Text:
    files = found["files"] or [""] * len(found["rows"])
    shown = [f"{file}:{row}" if file else str(row) for file, row in zip(files, found["rows"], strict=True)]
    return Text(", ".join(shown) + (", …" if found["count"] > len(shown) > 0 else ""))


def _drift(drift: list[dict[str, Any]]) -> Table:
    table = Table("column", box=None, pad_edge=False)
    for heading in ("PSI", "KS", "Jensen–Shannon", "Wasserstein, IQR", "missing, change"):
        table.add_column(heading, justify="right")
    table.add_column("rule")
    for column in sorted(drift, key=lambda found: -(found["psi"] or 0)):
        judgement = column["judgement"] and Judgement(**column["judgement"])
        keys = ("psi", "ks", "jensen_shannon", "wasserstein", "missing_rate_change")
        figures = [figure(column.get(key)) for key in keys]
        style = "red" if judgement and judgement.moved else ""
        table.add_row(Text(column["column"], style=style), *figures, rule_said(judgement))
    return table
