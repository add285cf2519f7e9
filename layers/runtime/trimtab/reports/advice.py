"""What to do about each rule that a drop can break, for the people who send data."""

from typing import Final

_ADVICE: Final = {
    "readable": "Write the file again from the source, check that the upload finished, and drop it once more.",
    "limits": "Split the drop into smaller files, and check that it holds nothing but data.",
    "missing_column": "Add the column to the export. If the model no longer needs it, remove it from model.yaml.",
    "renamed_column": "Give the column its old name in the export, or rename it in model.yaml for good.",
    "repeated_column": "Leave one column of that name in the export.",
    "extra_column": "Nothing has to be done. To use a column, add it to model.yaml.",
    "type": "Export the column in the type that the contract asks for; the values shown are what is there.",
    "not_null": "Fill the values at the source. If they may be missing, set nullable: true in model.yaml.",
    "finite": "Replace infinite values at the source, or leave them empty.",
    "range": "Check the unit and the source of these values. If they are right, widen the range in model.yaml.",
    "domain": "Check the spelling. If the level is new and right, add it to the domain in model.yaml.",
    "pattern": "Check how the values are written, or correct the pattern in model.yaml.",
    "missing_share": "Find out why the source stopped filling the column before the model learns from it.",
    "unique": "Remove the repeated rows; every row needs an id of its own, because truth is joined by it.",
    "min_rows": "Check that the export is complete, or lower quality.min_rows in model.yaml.",
    "cells_per_row": "Quote cells that contain commas or line breaks, and write the file again.",
    "no_truth": "Drop the file when the outcomes are known.",
    "drift": "Nothing has to be done now. The model may grow worse; monitoring measures it and asks for a retrain.",
}


def advice_for(rule: str) -> str:
    """One sentence on what to do about a broken rule."""
    return _ADVICE.get(rule, "Look at the offending rows in the file, correct them at the source and drop it again.")
