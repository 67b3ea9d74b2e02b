"""Each rule for codes by itself; `test_labelled_mail.py` has whole messages."""

import pytest

from fake_email import parse
from fake_email.findings import codes


def values(text: str, subject: str = "") -> list[str]:
    """The values of the codes in a text."""
    return [code.value for code in codes.find(subject, text)]


def html_message(markup: str, text: str = "") -> bytes:
    if not text:
        return b"Content-Type: text/html; charset=utf-8\n\n" + markup.encode()
    return (
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n"
        f"{text}\n--b\nContent-Type: text/html; charset=utf-8\n\n{markup}\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("4821", "4821"),
        ("4821937065", "4821937065"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("0417-882", "0417882"),
        ("66-204-91", "6620491"),
        ("6194-05", "619405"),
        ("581 204 77", "58120477"),
        ("123 4567", "1234567"),
        ("613 08", "61308"),
        ("8154 227", "8154227"),
        ("H8K2 P6", "H8K2P6"),
        ("904 FHX", "904FHX"),
        (">> 7YQ2MD <<", "7YQ2MD"),
        ("123\u00a0456", "123456"),
        ("123\u2011456", "123456"),
        ("12\u200b34\u200b56", "123456"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", "123456"),  # of double width
        ("1 2 3 4 7 6", "123476"),
        ("1-2-3-4-7-6", "123476"),
        ("1\n2\n3\n4\n7\n6", "123476"),
        ("R7K2D", "R7K2D"),
        ("QWXTB", "QWXTB"),
        ("R 7 K 2 D", "R7K2D"),
        ("H  X  W  B", "HXWB"),
        ("***482913***", "482913"),
        ("*482913#", "482913"),
        ("4 8 2 7\nA sign-in was requested.", "4827"),
        ("aB3xK9pq", "aB3xK9pq"),
    ],
)
def test_a_code_is_written_as_a_person_would_type_it(written: str, value: str) -> None:
    assert values(f"Your verification code is:\n\n{written}\n") == [value]


def test_the_prefix_of_a_sender_is_left_out_because_the_form_takes_digits() -> None:
    assert values("G-123456 is your verification code.") == ["123456"]


def test_three_capitals_before_the_digits_tell_which_code_it_is_and_are_not_typed() -> None:
    assert values("Your OTP is QVD-520937. Please use it to log in.") == ["520937"]


@pytest.mark.parametrize("word", ["PIN", "OTP", "CODE", "TAN"])
def test_a_word_for_a_code_in_capitals_is_no_name_of_a_flight(word: str) -> None:
    assert values(f"To redeem your miles for the flight SC 061, please use the {word} 0926 within 5 minutes.") == [
        "0926"
    ]


@pytest.mark.parametrize(
    ("written", "value"), [("G7 HP 42", "G7HP42"), ("4KT W9X", "4KTW9X"), ("7KQ2 MX4T", "7KQ2MX4T")]
)
def test_letters_and_digits_in_groups_are_one_code(written: str, value: str) -> None:
    assert values(f"Your parcel is in the locker.\n\nPickup code: {written}\n\nEnter it on the screen.") == [value]


def test_letters_apart_in_a_sentence_are_one_code() -> None:
    assert values("Your code is W X N P T D. Type the six letters in the app to verify your account.") == ["WXNPTD"]


def test_a_year_and_a_month_are_not_a_code() -> None:
    assert values("Your verification code for 2026-11 is 482913.") == ["482913"]


def test_a_hyphen_between_letters_is_typed() -> None:
    assert values("Your code: AB12-CD34") == ["AB12-CD34"]


@pytest.mark.parametrize("written", ["123", "12345678901", "ABC"])
def test_a_code_has_four_to_ten_characters(written: str) -> None:
    assert values(f"Your verification code is {written}.") == []


@pytest.mark.parametrize(
    "text",
    [
        "123456 is your code",
        "Your code: 123456",
        "Code\n\n123456",
        "123456\n\nThis code expires soon.",
        "Enter 123456 to sign in.",
        "Your one-time password (OTP) for the payment of EUR 2500 with card 4821 is 123456",
    ],
)
def test_a_code_is_found_before_or_after_the_words_for_it(text: str) -> None:
    assert values(text)[:1] == ["123456"]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("year", "Your code is on its way. Copyright 2024"),
        ("date", "Your code was sent on 12.05.2024, that is 2024-05-12."),
        ("time", "Your code is valid until 14:30 or 1430 hours."),
        ("span", "Your code expires in 1440 minutes."),
        ("price", "A code for $1234, 1234 EUR or 1.234,00 is on its way."),
        ("phone", "No code? Call +49 30 482913 or (555) 010-4477."),
        ("order", "Your code was sent for order 482913."),
        ("request", "We noticed a sign-in and sent a code, request 48213."),
        ("ticket", "[Ticket 48213] No verification code arrives"),
        ("account", "We sent a code to your phone ending in 4821."),
        ("postcode", "We sent you a code.\nOur address: Main Street 12, 10115 Berlin"),
        ("colour", "Your code has the colour #123456."),
        ("URL", "Your code: see https://x.test/482913?code=482913"),
        ("e-mail address", "Your code comes from 482913@x.test"),
        ("version", "Get the code of version 2024.1.4821"),
        ("IP address", "A code was asked for by 192.168.4.2134"),
        ("percentage", "The code is 1234% better"),
        ("voucher", "Use code SAVE2024 at checkout for a discount."),
        ("postal code", "Zip code 94107"),
        ("error", "It failed with error code 40312"),
        ("commit", "The source code of 9f8e7d6 is out"),
        ("booking", "Booking code: QX7R2P"),
        ("scale", "How was the code?\n0 1 2 3 4 5 6 7 8 9 10"),
        ("phone in two groups", "No code? Call 555 0104."),
        ("parts of a number", "Your code is on its way. Account 1234 567 89"),
        ("example", 'Which is better, "Your code is 482913" or "Enter 482913"?'),
        ("receipt", "Total 18.40\nAuthorization code: 560281\nTerminal: 00418277\nThank you for your visit."),
        ("report", "Sign-ins\n\n1530\n\nVisits\n\n48213\n"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_a_number_of_something_else_is_not_a_code(what: str, text: str) -> None:
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "The keys are in the box by the door, set the dials to 2209.",
        "When you get to the gate, tap 2209 and then the bell.",
        "Der Schlüssel ist im Kästchen neben der Tür. Stellen Sie die Rädchen auf 2209.",
        "En la cajita de la llave, girad las ruedecitas hasta 2209.",
        "Az ajtó melletti dobozon állítsák a tárcsákat 2209-re.",
        "הקופסה ליד הדלת: סובבו את הגלגלים ל-2209.",
        "鍵の小箱のダイヤルを2209に合わせてください。",
    ],
)
def test_a_code_is_found_without_a_word_for_a_code_where_a_lock_takes_it(text: str) -> None:
    assert values(text, "Saturday") == ["2209"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Finish signing in", "Here's what you need to finish:\n\n482913\n\nIt's good for ten minutes."),
        ("Noch ein Schritt", "Um fortzufahren, brauchen Sie:\n\n482913\n\nNur 10 Minuten gültig."),
        ("あと少しです", "続けるには次の数字が必要です。\n\n482913\n\n10分間有効です。"),
        ("Остался один шаг", "Чтобы продолжить, вам понадобится:\n\n482913\n\nНикому не сообщайте."),
    ],
)
def test_a_code_alone_on_its_line_is_found_without_a_word_for_a_code(subject: str, text: str) -> None:
    assert values(text, subject) == ["482913"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Your membership number", "Your membership number is:\n\n2204817\n\nQuote it whenever you write to us."),
        ("Your week", "<h1>48217</h1><p>steps this week. Your best day: Thursday.</p>"),
        ("Ihre Mitgliedsnummer", "Ihre Mitgliedsnummer:\n\n204418\n\nBitte bei jeder Überweisung angeben."),
        ("Tu cita", "Cita del jueves:\n\n630187\n\nClínica Arenal"),
    ],
)
def test_a_number_of_a_member_or_of_steps_alone_on_its_line_is_not_a_code(subject: str, text: str) -> None:
    assert values(text, subject) == []


@pytest.mark.parametrize(
    "text",
    [
        "Tell us how it was: your trip 771204 took 19 minutes.",
        "Press 1 when you call 020 7946 0812. Ref. 10442.",
        "Use the door on 4821 Mill Road, in 2026 as well.",
        "The machines (serial 04419 and 04420) were serviced, then cleaned.",
    ],
)
def test_a_number_beside_words_to_enter_something_is_not_a_code_by_that_alone(text: str) -> None:
    assert values(text, "Saturday") == []


def test_a_code_beside_an_order_number_comes_first() -> None:
    assert values("Your order 5538201 is on its way. The code for order 5538201 is 4417.") == ["4417"]


@pytest.mark.parametrize("heading", ["ADDRESS", "PARKING", "WIFI"])
def test_a_heading_in_capitals_is_not_a_code(heading: str) -> None:
    text = f"The code works until Sunday, enter it on the keypad.\n\n{heading}\n41 Tib Street. Password: see the shelf."

    assert values(text, "Check-in details for your stay") == []


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (
            "Confirmare expediere",
            "Comanda a fost expediată.\n\nAdresa de livrare\n\nDan Pop\nStr. Teilor 5\n400001 Cluj\n\nPlată\nPayPal",
        ),
        (
            "Your mate Tom gave you £40 off",
            "Code below:\n\nTOM-QJGXD\n\nEnter it at checkout for £40 off your first box.",
        ),
        ("Odp: nie ma kodu", "Cześć, kod 882140 wysłany wczoraj zdążył już wygasnąć. Adres zmieniliśmy ręcznie."),
    ],
    ids=["postal code", "referral", "reply"],
)
def test_a_number_in_a_whole_mail_without_a_code_is_not_one(subject: str, text: str) -> None:
    assert values(text, subject) == []


@pytest.mark.parametrize(
    ("subject", "text", "value"),
    [
        (
            "Your request",
            "Enter the code below to confirm the deletion of your account.\n\nCode: A94F2C7E",
            "A94F2C7E",
        ),
        (
            "Application",
            "You asked for a code to go on with the tax dispute service.\n\nYour code is: DNCLRK",
            "DNCLRK",
        ),
        ("Ready", "Your suit (ticket 0771) hangs in the hatch.\n\nHATCH CODE\n\n4190\n\n£26 was taken.", "4190"),
        ("Order 771: come and get it", "Order number  AX-771\nKiosk code  6194\nTrays  3 chilled, 1 frozen", "6194"),
        ("It's ready", "Apartment 22 is clean.\n\nKeybox\nno. 18  Code\nA4719B  Floor\n22", "A4719B"),
    ],
)
def test_a_code_that_is_named_is_found_among_words_for_other_things(subject: str, text: str, value: str) -> None:
    assert values(text, subject) == [value]


_HEADER = (
    "---------- Forwarded message ---------\nFrom: Shop <shop@x.test>\nDate: Wed, 4 Nov 2026\nSubject: Your code\n\n"
)


@pytest.mark.parametrize("prefix", ["Fwd", "WG", "TR", "RV", "VB", "Πρθ", "Пересл", "转发", "転送", "전달"])
def test_a_code_that_has_served_to_prove_something_is_not_listed_when_it_is_forwarded(prefix: str) -> None:
    text = f"Is this yours?\n\n{_HEADER}Your verification code is 503318. It is valid for 15 minutes."

    assert values(text, f"{prefix}: Your code") == []


def test_a_code_is_found_in_a_message_that_a_mailbox_has_passed_on_as_it_is() -> None:
    text = "Your verification code for ann@x.test:\n\nCode: 503318\nDevice: Pixel\nValid: 15 minutes\n"

    assert values(text, "Fwd: Your code") == ["503318"]


def test_a_code_for_a_door_is_found_in_a_forwarded_message() -> None:
    assert values(f"See below\n\n{_HEADER}The side door has a keypad: enter the code 5834.", "Fwd: Sunday") == ["5834"]


def test_a_code_quoted_in_a_reply_is_not_listed() -> None:
    assert values("Thanks!\n\nOn Monday, Ann wrote:\n> Your code is 553201.", "Re: Your code 553201") == []


@pytest.mark.parametrize("blank", ["\t", "\v", "\f", "\x1c", "\x1f", "\x85", "\u1680", "\u2003", "\u2028", "\u3000"])
def test_a_number_behind_blanks_of_any_kind_hides_no_code(blank: str) -> None:
    assert values(f"Your verification code is 482913.\n\n{blank * 40}7712")[:1] == ["482913"]


def test_a_code_in_the_subject_is_found() -> None:
    (code,) = codes.find("Your login code: 2749", "See the subject.")

    assert (code.value, code.source) == ("2749", "subject")


def test_a_code_in_html_alone_is_found_beside_a_text_without_it() -> None:
    (code,) = parse.parse(html_message("<p>Your code:</p><div>117654</div>", "Please use another program.")).codes

    assert (code.value, code.source) == ("117654", "html")


def test_a_code_in_a_text_alone_is_found_beside_html_without_it() -> None:
    (code,) = parse.parse(html_message("<img src=code.png>", "Your code: 117654")).codes

    assert (code.value, code.source) == ("117654", "text")


@pytest.mark.parametrize(
    "markup",
    [
        "<td>9</td><td>0</td><td>5</td><td>1</td><td>7</td><td>2</td>",
        "<div>9</div><div>0</div><div>5</div><div>1</div><div>7</div><div>2</div>",
        "<span>9</span><span>0</span><span>5</span><span>1</span><span>7</span><span>2</span>",
        "<b>905</b>&nbsp;<b>172</b>",
        "905&zwnj;172",
    ],
)
def test_a_code_in_separate_boxes_is_found_whole(markup: str) -> None:
    (code,) = parse.parse(html_message(f"<p>Your code:</p><table><tr>{markup}</tr></table>")).codes

    assert code.value == "905172"


@pytest.mark.parametrize(
    "markup",
    [
        "<style>.code{color:#483920}</style>",
        "<!-- code: 112233 -->",
        "<p title='code 112233' data-code=112233>Hello</p>",
        "<img alt='Your code: 112233'>",
        "<div style='display:none'>Your code: 112233</div>",
        "<a href='https://x.test/?code=112233'>Hello</a>",
    ],
)
def test_a_number_that_no_reader_sees_is_not_a_code(markup: str) -> None:
    assert parse.parse(html_message(markup)).codes == ()


def test_evidence_is_one_short_line_around_the_code() -> None:
    text = "Hello.\n\nYour code for\nthe door:\n\n123456\n\n" + "Bye. " * 100

    (code,) = codes.find("", text)

    assert code.evidence == "the door: 123456"


def test_evidence_in_a_long_line_is_cut_around_the_code() -> None:
    (code,) = codes.find("", "x " * 500 + "your code is 123456 " + "y " * 500)

    assert len(code.evidence) <= codes.EVIDENCE_CHARACTERS
    assert "your code is 123456" in code.evidence


def test_the_best_code_comes_first() -> None:
    in_order = codes.find(
        "", "Use the code from the app. Backup codes 55512345 and 55598765. Your code is 482913.", "text"
    )

    assert in_order[0].value == "482913"
    assert [code.confidence for code in in_order] == sorted((code.confidence for code in in_order), reverse=True)


def test_codes_over_the_limit_are_left_out() -> None:
    text = "".join(f"Your one-time code for the login is {number}.\n" for number in range(123_456, 133_456))

    assert len(codes.find("", text)) == codes.CODES


def test_a_code_beyond_the_characters_read_is_not_found() -> None:
    assert values("x\n" * codes.CHARACTERS + "Your code is 123456.") == []
