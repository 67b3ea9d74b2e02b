"""The findings as a person or a program gets them."""

import json

from fake_email.doctor import report
from fake_email.doctor.examination import Result
from fake_email.doctor.finding import Problem, exit_status, passed

MISSING = Problem(
    id="thing_missing",
    severity="error",
    why="Without this thing a service that needs it does not start, and mail for all domains waits at its senders.",
    mend="on the host `sudo make-the-thing --for {domain} --with-an-option-that-is-long-enough`, then look",
)
RESULTS = [
    Result(
        group="dns",
        findings=[
            passed("MX fake-email.example", "mail.fake-email.example"),
            MISSING.found("thing", "none\x1b[2J", details=["a line of the log"], domain="fake-email.example"),
        ],
    )
]


def test_a_finding_has_what_was_seen_why_it_matters_and_a_command_that_is_not_wrapped() -> None:
    text = report.text(RESULTS, width=60, has_colours=False)

    assert text.splitlines() == [
        "DNS",
        "  ok       MX fake-email.example: mail.fake-email.example",
        "  ERROR    thing: none\N{REPLACEMENT CHARACTER}[2J",
        "           Without this thing a service that needs it does",
        "           not start, and mail for all domains waits at its",
        "           senders.",
        "           → on the host",
        "             sudo make-the-thing --for fake-email.example --with-an-option-that-is-long-enough",
        "             then look",
        "           | a line of the log",
        "",
        "1 error, 1 check passed",
    ]


def test_colours_change_nothing_but_the_escape_sequences() -> None:
    coloured = report.text(RESULTS, width=None, has_colours=True)
    for sequence in ("\x1b[1m", "\x1b[0m", "\x1b[32m", "\x1b[1;31m"):
        assert sequence in coloured
        coloured = coloured.replace(sequence, "")

    assert coloured == report.text(RESULTS, width=None, has_colours=False)


def test_json_has_a_line_for_each_finding_with_its_group() -> None:
    rows = [json.loads(line) for line in report.json_lines(RESULTS).splitlines()]

    assert [(row["group"], row["id"], row["severity"]) for row in rows] == [
        ("dns", "passed", "ok"),
        ("dns", "thing_missing", "error"),
    ]
    assert rows[1]["details"] == ["a line of the log"]


def test_the_exit_status_is_that_of_the_worst_finding() -> None:
    note = Problem(id="x", severity="note", why="", mend="").found("", "")
    warning = Problem(id="x", severity="warning", why="", mend="").found("", "")

    assert exit_status([]) == 0
    assert exit_status([passed("", ""), note]) == 0
    assert exit_status([warning, passed("", "")]) == 1
    assert exit_status([MISSING.found("", "", domain=""), warning]) == 2
