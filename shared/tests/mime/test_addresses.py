"""The addresses of header fields."""

import pytest

from fake_email import parse
from fake_email.mime import addresses, headers


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("=?utf-8?q?a=40b=2Ec=2C?= <real@x.test>", "real@x.test"),
        ("=?utf-8?q?x@y?= <real@x.test>", "real@x.test"),
        ("=?utf-8?q?x, <y@z.test>?= <real@x.test>", "real@x.test"),
        ('"not@this.one" <real@x.test>', "real@x.test"),
        ('"a <b@c.test>" <real@x.test>', "real@x.test"),
        ("not@this.one <real@x.test>", "real@x.test"),
        ("Doe, John <real@x.test>", "real@x.test"),
        ("real@x.test (not@this.one (nor@this))", "real@x.test"),
        ("real(not@this)@x.test(nor@this)", "real@x.test"),
        ("<real(not@this)@x.test(nor@this)>", "real@x.test"),
        ("(not@this.one) real@x.test", "real@x.test"),
        ("real @ x.test", "real@x.test"),
        ("Ann <real @ x.test>", "real@x.test"),
        ("'real@x.test'", "real@x.test"),
        ("<'real@x.test'>", "real@x.test"),
        ("mailto:real@x.test", "real@x.test"),
        ("real@x.test, other@x.test", "real@x.test"),
        ("real@x.test other@x.test", "real@x.test"),
        ("One <real@x.test> Two <other@x.test>", "real@x.test"),
        ("list: real@x.test, other@x.test;", "real@x.test"),
        ("<@relay.test:real@x.test>", "real@x.test"),
        ('"John Doe"@x.test', '"John Doe"@x.test'),
        ('Ann <"John Doe"@x.test>', '"John Doe"@x.test'),
        ("real@[IPv6:2001:db8::1]", "real@[IPv6:2001:db8::1]"),
        ("Ann <real@[IPv6:2001:db8::1]>", "real@[IPv6:2001:db8::1]"),
        ("real@[192.0.2.1]", "real@[192.0.2.1]"),
        ('"never closed <real@x.test>', "real@x.test"),
        ("(never closed <real@x.test>", "real@x.test"),
        ("<real@x.test", "real@x.test"),
        ("<<real@x.test>>", "real@x.test"),
        ("Jö <ö@ü.test>", "ö@ü.test"),
        ("nobody in particular", ""),
        ("undisclosed-recipients:;", ""),
        ("<>", ""),
        ("@", ""),
        ("@x.test", ""),
        ("Ann <@x.test>", ""),
        ("ann@", ""),
        ("(ann)@x.test", ""),
        ("<" + "a" * 320 + "@x.test>", ""),
    ],
)
def test_the_address_of_the_sender_is_the_first_in_the_undecoded_field(field: str, address: str) -> None:
    parsed = parse.parse(f"From: {field}\r\n\r\nx\r\n".encode())

    assert parsed.from_address == address


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("ann@x.test", [("", "ann@x.test")]),
        ("Ann Lee <ann@x.test>", [("Ann Lee", "ann@x.test")]),
        ('"Lee, Ann" <ann@x.test>, Bo <bo@x.test>', [("Lee, Ann", "ann@x.test"), ("Bo", "bo@x.test")]),
        ("Lee, Ann <ann@x.test>, bo@x.test", [("Lee, Ann", "ann@x.test"), ("", "bo@x.test")]),
        ('"Ann \\"A\\" Lee" <ann@x.test>', [('Ann "A" Lee', "ann@x.test")]),
        ("'Ann Lee' <ann@x.test>", [("Ann Lee", "ann@x.test")]),
        ("ann@x.test (Ann Lee)", [("Ann Lee", "ann@x.test")]),
        ("ann(1)@x.test(2)", [("", "ann@x.test")]),
        ("One <ann@x.test> Two <bo@x.test>", [("One", "ann@x.test"), ("Two", "bo@x.test")]),
        ("ann@x.test; bo@x.test", [("", "ann@x.test"), ("", "bo@x.test")]),
        (
            "Ann Lee [Sales: north] <ann@x.test>, bo@x.test",
            [("Ann Lee [Sales: north]", "ann@x.test"), ("", "bo@x.test")],
        ),
        ("Ticket: 5 <ann@x.test>", [("Ticket: 5", "ann@x.test")]),
        ("Team: ann@x.test, bo@x.test", [("", "ann@x.test"), ("", "bo@x.test")]),
        ("Team:ann@x.test", [("", "ann@x.test")]),
        ("Ann <ann@x.test", [("Ann", "ann@x.test")]),
        ("Ann <ann@x.test, Bo <bo@x.test>", [("Ann", "ann@x.test"), ("Bo", "bo@x.test")]),
        ("a < b <ann@x.test>", [("a b", "ann@x.test")]),
        ("Ann <,ann@x.test>, <bo@x.test:>", [("Ann", "ann@x.test"), ("", "bo@x.test")]),
        (
            "Team: Ann <ann@x.test>, bo@x.test;, cy@x.test",
            [("Ann", "ann@x.test"), ("", "bo@x.test"), ("", "cy@x.test")],
        ),
        ("ann@x.test, nobody, @x.test, bo@x.test", [("", "ann@x.test"), ("", "bo@x.test")]),
        ("undisclosed-recipients:;", []),
        ("", []),
    ],
)
def test_all_addresses_of_a_field_are_found_with_their_names(field: str, found: list[tuple[str, str]]) -> None:
    assert [(each.name, each.address) for each in addresses.read(field)] == found


@pytest.mark.parametrize(
    "repeated",
    ['"\\', "(\\", "(", '"', "<", "a@", "=?u?q?x", "a@b,", "[", ":", "<a@", "A <a@b.c>,", f"{'a' * 300}@b,"],
)
def test_the_addresses_of_a_hostile_field_are_bounded(repeated: str) -> None:
    found = addresses.read(repeated * (16_384 // len(repeated)))

    assert len(found) <= addresses.ADDRESSES
    assert sum(len(each.name) + len(each.address) for each in found) <= addresses.CHARACTERS + 1_000


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("=?utf-8?Q?Ann_L=C3=B6w_<a@x.test>?=", [("Ann Löw", "a@x.test")]),
        ("=?utf-8?B?IkxlZSwgQW5uIiA8YUB4LnRlc3Q+?=", [("Lee, Ann", "a@x.test")]),
        ("=?utf-8?Q?a@x.test?=", [("", "a@x.test")]),
        ("=?utf-8?Q?Ann_<a@x.test>?= <b@x.test>", [("Ann <a@x.test>", "b@x.test")]),
        ("=?utf-8?Q?Ann?=", []),
    ],
)
def test_an_address_in_an_encoded_word_counts_only_where_the_field_has_no_other(
    field: str, expected: list[tuple[str, str]]
) -> None:
    assert [(each.name, each.address) for each in headers.addresses(field.encode())] == expected


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("<a@x.test> Ann  Lee", "Ann Lee"),
        ("<a@x.test> =?utf-8?Q?L=C3=B6w?=", "Löw"),
        ("<a@x.test>, Ann", ""),
        ("<a@x.test>", ""),
    ],
)
def test_a_name_may_stand_behind_the_address(field: str, name: str) -> None:
    assert [(each.name, each.address) for each in headers.addresses(field.encode())] == [(name, "a@x.test")]
