"""The canonical address of a mailbox."""

import pytest

from fake_email import mailbox_address


@pytest.mark.parametrize(
    ("local_part", "domain", "address"),
    [
        ("Reader", "MX.test", "reader@mx.test"),
        ("reader+tag", "mx.test", "reader@mx.test"),
        ("reader+a+b", "mx.test", "reader@mx.test"),
        ("reader", "münchen.test", "reader@xn--mnchen-3ya.test"),
        ("reader", "MÜNCHEN.test", "reader@xn--mnchen-3ya.test"),
        ("reader", "mu\u0308nchen.test", "reader@xn--mnchen-3ya.test"),
        ("reader", "mail\u3002münchen.test", "reader@mail.xn--mnchen-3ya.test"),
        ("reader", "xn--mnchen-3ya.test", "reader@xn--mnchen-3ya.test"),
        ("reader", "a_b.test", "reader@a_b.test"),
        ("reader", "\u2603.\u200b", "reader@\u2603.\u200b"),
        ("reader", "ü" * 300, "reader@" + "ü" * 300),
    ],
)
def test_every_form_of_an_address_has_one_canonical_form(local_part: str, domain: str, address: str) -> None:
    assert mailbox_address.canonical(local_part, domain) == address
