"""The page that people get: complete, small, and harmless whatever the file said."""

import gzip
import io
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import trimtab.data
from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.drift import DriftRules, Rule
from trimtab.data.report import DropReport, unreadable
from trimtab.data.validate import Gate, conclude, examine, validate
from trimtab.data.violation import Violation
from trimtab.reports.advice import advice_for
from trimtab.reports.drop_report import DropFile, figure, report_html, report_json
from trimtab.spec import DataSpec

FILE = DropFile(
    "tiny", "0123456789abcdef", "data", "s3://drops/tiny/data/a.parquet", "v1", 12_345, "2026-03-01T00:00:00Z"
)


def _page(report: DropReport) -> str:
    return report_html(report, FILE).decode()


def test_a_refused_file_is_told_why_and_what_to_do() -> None:
    report = validate(parquet(trips(50, stops=[99] * 50)), "parquet", DATA)
    page = _page(report)
    assert "Refused and kept in quarantine" in page
    assert "50 of 50 values of &#39;stops&#39; are outside 0 to 9; row 1 has &#39;99&#39;" in page
    assert "Check the unit and the source of these values." in page


def test_every_chart_has_a_table_under_it() -> None:
    reference = validate(parquet(trips(500)), "parquet", DATA).profile
    page = _page(validate(parquet(trips(500, miles=np.full(500, 99.0))), "parquet", DATA, reference))
    charts = [match.end() for match in re.finditer("</svg>", page)]
    assert len(charts) >= 4
    for start in charts:
        assert page[start:].lstrip().startswith('<div class="wide"><table>')


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    page = _page(validate(parquet(trips(50)), "parquet", DATA))
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", page)
    assert "<script" not in page


def test_what_a_file_says_is_never_markup() -> None:
    evil = "<img src=x onerror=alert(1)>"
    report = validate(csv(trips(3, line=[evil] * 3, **{"<b>": pa.array([1, 2, 3])})), "csv", DATA)
    assert evil not in _page(report)
    assert "&lt;img src=x" in _page(report)


def test_the_page_of_the_worst_file_stays_under_200_kb() -> None:
    columns = {f"column_with_a_long_name_{number}": {"type": "string", "domain": ["a"]} for number in range(300)}
    wide = DataSpec.model_validate(DATA.model_dump() | {"columns": DATA.model_dump()["columns"] | columns})
    table = trips(40)
    for name in columns:
        table = table.append_column(name, pa.array([f"{'<&>' * 300}{row}" for row in range(40)]))
    first = validate(parquet(table), "parquet", wide)
    second = validate(parquet(table), "parquet", wide, first.profile)
    assert len(second.violations) >= 300
    assert len(report_html(second, FILE)) < 200_000


def test_an_unreadable_file_has_a_page_too() -> None:
    assert "the file is empty" in _page(unreadable("parquet", "the file is empty (0 bytes)"))


def test_the_json_holds_advice_beside_every_violation() -> None:
    report = validate(parquet(trips(5).drop_columns(["stops"])), "parquet", DATA)
    document = json.loads(report_json(report, FILE))
    assert document["file"]["uri"] == FILE.uri
    assert document["findings"][0]["advice"] == advice_for("missing_column")
    assert document["columns"]["miles"]["edges"]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1234567, "1,234,567"), (0.123456, "0.1235"), (3.0, "3"), (1.5e9 + 0.5, "1.5e+09")]
)
def test_figures_are_written_for_people(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_the_page_says_how_a_text_file_was_read() -> None:
    body = io.BytesIO(gzip.compress(csv(trips(5)).read().replace(b",", b";")))
    assert "utf-8, gzip, delimiter &#39;;&#39;, quote &#34;, decimal ." in _page(validate(body, "csv", DATA))


def test_rows_of_a_drop_of_files_are_named_by_file_and_row_group() -> None:
    gate = Gate.of(DATA)
    files = [trips(5), trips(5, trip=range(10, 15), stops=[1, 1, 99, 1, 1])]
    page = _page(
        conclude([examine(parquet(file), "parquet", gate, f"{n}.parquet") for n, file in enumerate(files)], gate)
    )
    assert '<tr><th>File</th><td class="n">1.parquet</td></tr>' in page
    assert '<tr><th>Row</th><td class="n">3</td></tr>' in page
    assert '<tr><th>Row group</th><td class="n">0</td></tr>' in page
    assert "2 files" in page


def test_the_page_is_light_dark_or_for_paper() -> None:
    page = _page(validate(parquet(trips(5)), "parquet", DATA))
    assert "@media (prefers-color-scheme:dark)" in page
    assert "@media print" in page


RULES = re.compile(r"""(?:Violation|ValueRule|Tally)\(\s*"([a-z_]+)"|rule="([a-z_]+)"|rule = "([a-z_]+)\"""")


def test_every_rule_that_the_code_names_has_advice_of_its_own() -> None:
    folder = Path(trimtab.data.__file__).parent
    sources = [file.read_text() for file in (*folder.rglob("*.py"), *(folder.parent / "intake").glob("*.py"))]
    rules = {name for source in sources for found in RULES.findall(source) for name in found if name}
    assert len(rules) > 25
    assert not [rule for rule in rules if advice_for(rule) == advice_for("no such rule")]


def test_every_rule_has_advice_of_its_own() -> None:
    table = trips(
        6, stops=[99] * 6, miles=[float("inf")] * 6, line=["x"] * 6, code=["?"] * 6, trip=[1] * 6, spare=[0] * 6
    )
    found: tuple[Violation, ...] = validate(parquet(table), "parquet", DATA).violations
    fallback = advice_for("no such rule")
    assert len(found) >= 6
    assert all(advice_for(violation.rule) != fallback for violation in found)


CHECKED = DropFile("tiny", "", "data", "/home/me/a.parquet", "", 12_345, "")


def test_a_file_that_is_only_checked_is_not_said_to_have_been_dropped() -> None:
    for table in (trips(50, stops=[99] * 50), trips(50), trips(50, more=[1] * 50)):
        page = report_html(validate(parquet(table), "parquet", DATA), CHECKED).decode()
        assert "Would be " in page
        assert not any(said in page for said in ("quarantine</h1>", "are kept", "was taken in", "Version", ">Dropped<"))


def test_the_page_says_to_which_rule_a_column_was_held_and_in_which_unit() -> None:
    reference = validate(parquet(trips(2_000)), "parquet", DATA).profile
    rules = DriftRules(0.25, {"miles": Rule("wasserstein", 0.1)}, ("miles", "line"))
    table = trips(2_000, 1, miles=np.full(2_000, 3.0))
    page = _page(validate(parquet(table), "parquet", DATA, reference, rules=rules))
    assert "Wasserstein at most 0.1: moved" in page
    assert "PSI at most 0.25: within" in page
    assert "in interquartile ranges of the reference" in page
