"""All columns of a drop together beside the reference: what moves only jointly shows in no column of its own."""

from dataclasses import replace

from trimtab.data.drift.domain_classifier import separation
from trimtab.data.report import DropReport
from trimtab.data.validate import Gate


def told_apart(report: DropReport, gate: Gate) -> DropReport:
    """The report, which also says how well a classifier tells the drop's rows from the reference's.

    It looks at the columns whose drift counts, in a sample of rows that both profiles keep. Nothing is judged by it: a
    season is told from another by the weather alone, and no limit fits every model.
    """
    if gate.reference is None or report.profile is None:
        return report
    columns = gate.compared if gate.rules.columns is None else gate.rules.columns
    return replace(report, separation=separation(gate.reference.sample, report.profile.sample, columns))
