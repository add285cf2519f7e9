"""The words of a message, in each of its forms."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from trimtab.notifications.formats import Envelope, as_json, as_slack, as_text
from trimtab.notifications.notification import LINE, Links, Notification

ENVELOPE = Envelope("id-1", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "dev")
FULL = Notification(
    subject="[flights] what is measured is beyond its limits",
    what="What is measured is beyond its limits.",
    how_much=["columns have drifted: 0.41, limit 0.25", "moved: carrier <AA> & more"],
    since="2026-01-01 00:00 UTC",
    done=["asked for training"],
    to_do="Read docs/runbooks/page.md.",
    model="flights",
    state="alarm",
    links=Links("s3://captures/flights/reports/monitoring.html", "https://docs.test/page.md", "https://aws.test/a|b"),
)
SHORT = Notification("[flights] version 2 serves", "Version 2 answers.", "Nothing.", "It was approved by ann.")


def test_an_email_says_each_thing_under_its_heading() -> None:
    assert as_text(FULL) == (
        "What happened: What is measured is beyond its limits.\n"
        "How much:\n"
        "- columns have drifted: 0.41, limit 0.25\n"
        "- moved: carrier <AA> & more\n"
        "Since: 2026-01-01 00:00 UTC\n"
        "What was done: asked for training\n"
        "What to do next: Read docs/runbooks/page.md.\n"
        "More: s3://captures/flights/reports/monitoring.html\n"
        "Runbook: https://docs.test/page.md\n"
        "Alarm: https://aws.test/a|b"
    )
    assert (
        as_text(SHORT) == "What happened: Version 2 answers.\nWhy: It was approved by ann.\nWhat to do next: Nothing."
    )


def test_an_email_has_every_word_of_a_long_reason_and_of_what_to_do() -> None:
    why = "refused: " + "x" * 2 * LINE + "\nbecause of its rows"
    to_do = "Read this first. " * LINE + "\ntrimtab approve flights 2"
    said = "\n".join(["What happened: Version 2 answers.", f"Why: {why}", f"What to do next: {to_do}"])
    assert as_text(replace(SHORT, why=why, to_do=to_do)).replace("\n  ", "\n") == said


def test_an_email_has_every_line_of_a_long_list() -> None:
    text = as_text(replace(FULL, how_much=[f"reading {each}" for each in range(20)]))
    assert [line for line in text.splitlines() if line.startswith("- ")] == [f"- reading {each}" for each in range(20)]


def test_words_of_others_begin_no_heading_of_an_email() -> None:
    text = as_text(replace(SHORT, why="one\nWhat to do next: send money"))
    assert [line for line in text.splitlines() if line.startswith("What to do next:")] == ["What to do next: Nothing."]


def test_a_program_reads_every_field_also_the_empty_ones() -> None:
    assert as_json(SHORT, ENVELOPE) == {
        "version": 1,
        "id": "id-1",
        "at": "2026-01-02T03:04:00+00:00",
        "stage": "dev",
        "model": "",
        "state": "notice",
        "subject": "[flights] version 2 serves",
        "what": "Version 2 answers.",
        "why": "It was approved by ann.",
        "how_much": [],
        "since": "",
        "done": [],
        "to_do": "Nothing.",
        "links": {"page": "", "runbook": "", "alarm": ""},
    }
    assert as_json(FULL, ENVELOPE)["how_much"] == list(FULL.how_much)


def test_slack_shows_sections_in_which_nothing_is_markup() -> None:
    told = as_slack(FULL, ENVELOPE)
    header, *sections, links, context = told["blocks"]
    assert header["text"]["text"] == "🔴 [flights] what is measured is beyond its limits"
    assert [section["text"]["text"] for section in sections] == [
        "*What happened*\nWhat is measured is beyond its limits.",
        "*How much*\n• columns have drifted: 0.41, limit 0.25\n• moved: carrier &lt;AA&gt; &amp; more",
        "*Since*\n2026-01-01 00:00 UTC",
        "*What was done*\nasked for training",
        "*What to do next*\nRead docs/runbooks/page.md.",
    ]
    assert links["text"]["text"] == (
        "page: `s3://captures/flights/reports/monitoring.html` · <https://docs.test/page.md|runbook> · "
        "<https://aws.test/a%7Cb|alarm>"
    )
    assert context["elements"][0]["text"] == "Trimtab · dev · 2026-01-02 03:04 UTC · id-1"
    assert told["text"] == f"{header['text']['text']}: {FULL.what}"


def test_a_message_keeps_to_slacks_limits_however_long_its_parts_are() -> None:
    long = replace(FULL, subject="s" * 999, what="<&>" * 9999, how_much=["<" * 9999] * 99, to_do="t " * 9999)
    told = as_slack(long, ENVELOPE)
    assert len(told["blocks"]) <= 50
    assert len(told["blocks"][0]["text"]["text"]) <= 150
    for block in told["blocks"]:
        assert len(block.get("text", {}).get("text", "")) <= 3000
        assert not block.get("text", {}).get("text", "").endswith(("&", "&l", "&lt"))


def test_what_does_not_fit_into_a_section_is_said_to_be_left_out() -> None:
    sections = as_slack(replace(FULL, how_much=["&" * 100] * 20), ENVELOPE)["blocks"]
    heading, *lines, last = sections[2]["text"]["text"].splitlines()
    assert (heading, last) == ("*How much*", "… more is left out: it is too long for Slack")
    assert lines == [f"• {'&amp;' * 100}"] * 5


def test_no_section_is_a_heading_alone() -> None:
    heading, line = as_slack(replace(FULL, what="&" * LINE), ENVELOPE)["blocks"][1]["text"]["text"].splitlines()
    assert heading == "*What happened*"
    assert re.fullmatch("(&amp;){500,}…", line)


def test_long_lists_and_lines_are_cut_and_say_so() -> None:
    told = as_json(replace(FULL, how_much=["x" * 9999, *map(str, range(20))]), ENVELOPE)
    assert len(told["how_much"][0]) == LINE
    assert told["how_much"][0].endswith("…")
    assert told["how_much"][-1] == "and 13 more"


def test_what_others_wrote_stays_on_one_line() -> None:
    told = as_json(replace(SHORT, why="one\nWhat to do next: send money"), ENVELOPE)
    assert told["why"] == "one What to do next: send money"
