"""The words of links: RE2 has the memory for them, and the gate lets through what has one."""

from collections.abc import Callable

import pytest
from support import labelled_mail

from fake_email.findings import code_lexicon, link_lexicon


@pytest.mark.parametrize("of_kinds", [link_lexicon.kinds, code_lexicon.kinds])
def test_re2_has_the_memory_for_all_words(of_kinds: Callable[[str], object], capfd: pytest.CaptureFixture[str]) -> None:
    link_lexicon.kinds.cache_clear()

    for line in (labelled_mail.FOLDER / "link_mail_10.txt").read_text(encoding="utf-8").splitlines():
        of_kinds(line.lower())

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "text", ["turn off these alerts", "yes this is my email", "通知を停止", "ich möchte keine mails"]
)
def test_the_gate_lets_words_through_that_begin_as_others_do(text: str) -> None:
    assert link_lexicon.kinds(text)
