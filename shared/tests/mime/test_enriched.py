"""Text in the formats before HTML."""

import pytest

from fake_email import parse
from fake_email.mime import enriched


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<bold>Your code</bold> is\n<fixed>482913</fixed>.\n\nA\n\n\nB", "Your code is 482913.\nA\n\nB"),
        ("<color><param>red</param>a</color> <<b> c < d", "a <b> c < d"),
        ("<nofill>a\n\n  b</nofill>\nc", "a\n\n  b c"),
        ("<comment>x <bold>y\n\n</comment>a<nl>b<lt>c<Paragraph>d</Paragraph>e", "a\nb<cd\n\ne"),
        ("a</param></nofill>\nb<param>c", "a b"),
        ("a<>b</>c<x y>", "a<>b</>c<x y>"),
        ("", ""),
    ],
)
def test_the_formatting_is_left_out(source: str, text: str) -> None:
    assert enriched.text(source) == text


@pytest.mark.parametrize("type_", sorted(enriched.TYPES))
def test_a_message_in_such_a_format_is_text(type_: str) -> None:
    content = f"Content-Type: {type_}; charset=iso-8859-1\r\n\r\n<bold>Gr\xfc\xdfe</bold>\r\nhier".encode("latin-1")

    assert parse.parse(content).text == "Grüße hier"
