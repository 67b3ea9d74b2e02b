"""The features that the HTML of a candidate gives: how large, wide or bold it is set."""

import pytest

from fake_email.findings import code_type


@pytest.mark.parametrize(
    ("markup", "names"),
    [
        ("<p style='font-size:28px;letter-spacing:6px'>482913</p>", ["large type", "wide type"]),
        ("<p><span style='font: 700 2em monospace'> <b>482913", ["large type", "bold type", "type of even width"]),
        ("<h1>\n  482913</h1>", ["large type"]),
        ("<td style='font-size:22pt; font-weight:bold'>482913</td>", ["large type", "bold type"]),
        ("<p style='font-size:14px; letter-spacing:0'>482913</p>", []),
        ("<h1>Hello</h1><p>482913</p>", []),
        ("<h1>Your number 482913</h1>", []),
        ("<p>none</p>", []),
        ("482913", []),
    ],
)
def test_the_tags_right_before_a_candidate_tell_its_type(markup: str, names: list[str]) -> None:
    assert list(code_type.of(markup, "482913")) == names


def test_few_characters_are_read_however_many_tags_there_are() -> None:
    assert list(code_type.of("<h1>" + "<i>" * 100_000 + "482913", "482913")) == []
