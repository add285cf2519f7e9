"""What to do about each rule that a drop can break, for the people who send data."""

from typing import Final

_ADVICE: Final = {
    "readable": "Write the file again from the source, check that the upload finished, and drop it once more.",
    "not_checked": "Do what the message says, and check the file again. Nothing is known of it yet.",
    "format": "Export the data as Parquet, CSV or JSON Lines, packed at most once, and name the file accordingly.",
    "header": "Write the names of the columns into the first row of the file.",
    "limits": "Split the drop into smaller files, and check that it holds nothing but data.",
    "encoding": "Save the file as UTF-8, or name its encoding under data.csv in model.yaml.",
    "dialect": "Nothing has to be done if it was read right; name it under data.csv in model.yaml to end the warning.",
    "manifest": "Write all files first and the closing object last, into a folder that holds this drop only.",
    "missing_part": "Upload the missing file, then write the closing object again.",
    "wrong_part": "Upload the file again and write the manifest from what was uploaded.",
    "extra_part": "List the file in the manifest if it belongs to the drop, or remove it from the folder.",
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
    "references": "Add the keys to the data set that is referred to and store its keys again, or correct the values.",
    "event_window": "Check the clock and the time zone of the source; the file may also be an old one.",
    "freshness": "Check that the export is of today. If the source is slower now, raise quality.freshness_hours.",
    "monotonic": "Sort the export, and check whether rows were appended twice.",
    "check": "Look at the cells shown: at least one is wrong, or the rule in model.yaml is.",
    "missing_share": "Find out why the source stopped filling the column before the model learns from it.",
    "unique": "Remove the repeated rows; every row needs an id of its own, because truth is joined by it.",
    "duplicate_rows": "Check whether the source wrote rows twice under new ids.",
    "label_leakage": "Take the column out of the features (role: key or ignore): it is known only with the label.",
    "personal_data": "Leave the column out of the export, or set personal: true in model.yaml if it has to be there.",
    "formula": "Nothing has to be done for the model. Never open such a file in a spreadsheet unchecked.",
    "min_rows": "Check that the export is complete, or lower quality.min_rows in model.yaml.",
    "max_rows": "Check that the export holds one period only, or raise quality.max_rows in model.yaml.",
    "cells_per_row": "Quote cells that contain separators or line breaks, and write the file again.",
    "no_truth": "Drop the file when the outcomes are known.",
    "drift": "Nothing has to be done now. The model may grow worse; monitoring measures it and asks for a retrain.",
}


def advice_for(rule: str) -> str:
    """One sentence on what to do about a broken rule."""
    return _ADVICE.get(rule, "Look at the offending rows in the file, correct them at the source and drop it again.")
