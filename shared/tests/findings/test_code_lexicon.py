"""The kinds of words, in each language of the lexicon, and the gate that keeps other mail from being searched."""

from importlib import resources

import pytest

from fake_email.findings import code_candidates, code_lexicon, codes

FILES = {
    file.name.removesuffix(".txt"): file.read_text(encoding="utf-8")
    for file in resources.files("fake_email.findings").joinpath("lexicon").iterdir()
}
# Without these a language would have no codes, or order numbers for codes.
NEEDED = {
    "code",
    "otp",
    "pin",
    "pass",
    "digits",
    "verify",
    "login",
    "enter",
    "expire",
    "secret",
    "sale",
    "order",
    "unit",
    "done",
}


def kinds(text: str) -> set[str]:
    return {code_lexicon.KINDS[kind] for kind in code_lexicon.kinds(text)}


def test_the_lexicon_has_28_languages() -> None:
    assert len(FILES) == 28


@pytest.mark.parametrize("language", sorted(FILES))
def test_each_language_has_words_of_each_needed_kind(language: str) -> None:
    assert {line.partition(": ")[0] for line in FILES[language].splitlines()} >= NEEDED


@pytest.mark.parametrize("language", sorted(FILES))
def test_each_word_of_a_language_is_found_within_a_sentence(language: str) -> None:
    for line in FILES[language].splitlines():
        kind, _, words = line.partition(": ")
        for word in words.split(", "):
            written = word.removeprefix("*").removesuffix("!")
            assert kind in kinds(f"x {written} y"), (kind, word)
            assert kind in kinds(written.upper()) or not written.isascii(), (kind, word)


def test_the_gate_is_the_same_for_short_text_and_for_long() -> None:
    words = [line.partition(": ") for text in FILES.values() for line in text.splitlines()]
    for kind, word in ((kind, word) for kind, _, listed in words for word in listed.split(", ")):
        short = f"x {word.strip('*!')} y"
        is_of_code = not kinds(short).isdisjoint({*code_lexicon.CODES, "verify"})

        assert code_lexicon.speaks_of_codes(short) == is_of_code, (kind, word)
        assert code_lexicon.speaks_of_codes(f"{short} {'-' * 100}") == is_of_code, (kind, word)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("standard shopping", "pin"),
        ("Manhattan", "otp"),
        ("No problem", "number"),
        ("когда", "code"),
        ("Użyj", "place"),
        ("telling", "phone"),
    ],
)
def test_a_word_within_another_word_is_not_found(text: str, kind: str) -> None:
    assert kind not in kinds(text)


@pytest.mark.parametrize(
    "text", ["Sicherheitscode", "engångskoden", "vahvistuskoodi", "والرمز", "הקוד", "验证码是", "ครับรหัส"]
)
def test_a_word_joined_to_others_is_found(text: str) -> None:
    assert "code" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "Lunch at 1230? Room 4821 is free until 1400.",
        "Your order 5538201 has left our warehouse. Total 1249.",
        "Item 12 is new until May 2024: see https://news.test/c/482913",
    ],
)
def test_mail_without_a_word_for_a_code_is_not_searched(text: str) -> None:
    assert code_candidates.read(text)
    assert not codes.speaks_of_codes(text)
    assert codes.find("", text) == ()


def test_no_more_candidates_are_weighed_than_the_limit() -> None:
    text = "".join(f"code {number}\n" for number in range(123_456, 133_456))

    assert len(codes.weigh("code", text, "")) == codes.CANDIDATES


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("Hello, this is your code: 482913", True),
        ("Use the code 482913 to sign in.", True),
        ("Code: 482913", False),
        ("Je verificatiecode is 482913. Deze is 10 minuten geldig.", False),
        ("Brug koden 90583 for at logge ind og se din ordre.", False),
        ("Dein Code ist 482913. Er gilt 10 Minuten und nur für dich.\n" * 3 + "Sent with the newsletter tool", False),
        ("", False),
    ],
)
def test_english_is_known_by_its_small_words(text: str, *, is_english: bool) -> None:
    assert code_lexicon.is_english(text) == is_english


@pytest.mark.parametrize(("text", "kind"), [("linkage key", "phone"), ("one-time passcode", "order")])
def test_in_english_text_the_stems_of_other_languages_do_not_count(text: str, kind: str) -> None:
    assert code_lexicon.KINDS.index(kind) in code_lexicon.kinds(text)
    assert code_lexicon.KINDS.index(kind) not in code_lexicon.kinds_in_english(text)


def test_english_text_has_the_kinds_of_all_english_words() -> None:
    for line in FILES["en"].splitlines():
        kind, _, words = line.partition(": ")
        for word in words.split(", "):
            found = code_lexicon.kinds_in_english(word.removeprefix("*").removesuffix("!"))
            assert code_lexicon.KINDS.index(kind) in found, word
