"""Fuzz the parser: `make fuzz` looks for octets that make it raise, break a promise or take too long."""

import hashlib
import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-untyped] # it has no types; `make fuzz` puts it where only this finds it
import msgspec

sys.path.append(str(Path(__file__).resolve().parents[1]))

from support import corpus

with atheris.instrument_imports(include=["fake_email"]):
    from fake_email import bodies, parse
    from fake_email.findings import code_candidates, codes, links
    from fake_email.html import anchors, steps, urls
    from fake_email.mime import addresses as mime_addresses
    from fake_email.mime import charset, chunks
    from fake_email.mime import headers as mime_headers
    from fake_email.mime import parameters as mime_parameters

HERE = Path(__file__).parent
OCTETS = 20_000  # of an input
# Times the seconds for an octet of USUAL: some fields cost much more, but no content may take quadratic time.
DEAR = 100
TRIES = 5  # the fastest counts: the others had to wait

USUAL = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.test>\r\nSubject: =?utf-8?b?xb5sxa0=?=\r\n"
    b"Date: Fri, 1 Mar 2024 12:30:00 +0200\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    b"--c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"K=C5=AF=C5=88 =\r\nand line\r\n"
    b"--c\r\nContent-Type: text/html; charset=iso-8859-2\r\n\r\n"
    b"<style>p {}</style><p>One &amp; <a href='https://x.test/'>two</a><img alt=x><ul><li>3<table><td>4<pre> 5\r\n"
    b"--c--\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-ID: <i@x.test>\r\nContent-Disposition: attachment; filename*0*=utf-8''%C5%BE; filename*1=.pdf\r\n\r\n"
    b"JVBERi0xLjc=\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b--\r\n"
)
SIGNED = (
    b"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
    b"MEUGCSqGSIb3DQEHAqA4MDYCAQExADAtBgkqhkiG9w0BBwGgIAQeQ29udGVudC1UeXBlOiBpbWFnZS9wbmcNCg0KQUJDMQA="
)
OUTLOOK = (
    b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\0\x02\x02\x90\x06\0\0\0\0\0\0\0"
    b"\x02\x10\x80\x01\0\x02\0\0\0a\0\0\0\x02\x0f\x80\x06\0\x01\0\0\0b\0\0"
)
RTF = (
    rb"{\rtf1\ansi\ansicpg932\deff0{\fonttbl{\f0\fcharset204 A;}{\f1\cpg950 B;}}\uc1\pard\f0 \'c4\'e0\f1 \u8364?"
    rb"{\field{\*\fldinst HYPERLINK \"https://x.test/a\"}{\fldrslt\v a\v0 b}}\par{\pict\bin2 }}}\cell\row}"
)
RTF_OF_HTML = (
    rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 \'e4\u8364?\htmlrtf\par}\htmlrtf0{\*\mhtmltag0 a}}"
)


def with_rtf(form: bytes, rtf: bytes) -> bytes:
    """A winmail.dat with this RTF, in the form that it says: compressed, or not."""
    value = (len(rtf) + 12).to_bytes(4, "little") + b"\0\0\0\0" + form + b"\0\0\0\0" + rtf
    value = b"\2\1\x09\x10\1\0\0\0" + len(value).to_bytes(4, "little") + value + bytes(-len(value) % 4)
    attribute = b"\1\3\x90\6\0" + (len(value) + 4).to_bytes(4, "little") + b"\1\0\0\0" + value
    return b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\0" + attribute + b"\0\0"


SEEDS = [
    USUAL,
    USUAL.replace(b"\r\n", b"\n"),
    USUAL.replace(b"\r\n", b"\r"),
    b"Subject: x\r\n\r\ntext\r\n",
    b"Content-Type: text/plain; charset=utf-7\n\n+AGE-b +2AA-",
    b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$3\x1b(B",
    b"Content-Type: text/plain; charset=utf-16\n\n\xff\xfea\0",
    b"Subject: G-123456\n\nYour code:\n\n1 2 3 4 5 7\nhttps://x.test/verify?a=b. Order 48, code AB12-CD34 or QWXTB",
    b"Content-Type: text/html\n\n<div style='display:none'>code 1234</div><td style=font-size:0>1<td>2<td>3<td>4 code",
    b"Content-Type: text/html\n\n<a href=https://x.test/unsubscribe><img alt='code 4821'></a><!-- <a href=x> --><p>",
    "Content-Type: text/plain; charset=utf-8\n\n验证码：４８２９１３ код 123-456 doğrulama İ kodu 4821".encode(),
    b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B-!G'>Z\x1b(I6\x1b(B\n\x1b$(D0!",
    b"Subject: \xca\xee\xe4\nContent-Type: text/plain; charset=euc-jp; format=flowed\n\n\xad\xa1 \n> a \n> b",
    b"Subject: x\n\nsee\nbegin 644 a.b\n#86)C\n!80\n`\nend\nmore",
    SIGNED,
    OUTLOOK,
    with_rtf(b"MELA", RTF),
    with_rtf(b"MELA", RTF_OF_HTML),
    with_rtf(b"LZFu", bytes.fromhex("41000420 5758595a 0d6e7d01 0eb0")),
    b"Content-Type: text/rtf\n\n" + RTF,
    b"Content-Type: text/calendar\n\nBEGIN:VEVENT\nSUMMARY:a\\,b\nDTSTART;TZID=x:20261105T140000\nEND:VEVENT",
    b'Content-Type: image/png; name="a "b" (c).png" (d)\nContent-Transfer-Encoding: base64\n\nQQ==\nQUJD\n-- \nx',
    b'Content-Type: a/b; name*0="=?u?q?"; name*1="x?="\nContent-Transfer-Encoding: quoted-printable\n\na= \nb',
    b'From a@b.test Mon Jan  1 00:00:00 2024\nFrom: "a \\" b" (c (d)) <@r.test:e@x.test>, f@x.test\n\n',
]


def step(octets: int, characters: int, markup_characters: int) -> None:
    """Set the lengths of the parser's steps, so that an input has several."""
    chunks.OCTETS = octets
    charset._WINDOW = characters  # noqa: SLF001
    steps.CHARACTERS = markup_characters


def check(content: bytes) -> None:
    """Raise when the parsed message breaks a promise of the parser."""
    parsed = parse.parse(content)

    assert parsed == parse.parse(content)
    fields = (parsed.subject, parsed.from_header)
    assert all(len(text) <= mime_headers.LINE_CHARACTERS and len(text.splitlines()) < 2 for text in fields)
    assert len(parsed.from_address) <= mime_addresses.ADDRESS_CHARACTERS
    assert len(parsed.text) <= bodies.TEXT_CHARACTERS
    assert len(parsed.html or "") <= bodies.TEXT_CHARACTERS
    assert len(parsed.attachments) <= parse.ATTACHMENTS
    assert len(msgspec.json.encode(parsed.attachments)) <= parse.LIST_OCTETS + 2
    assert len(msgspec.json.encode(parsed.links)) <= parse.LIST_OCTETS + 2
    for addresses in (parsed.from_addresses, parsed.to_addresses, parsed.cc_addresses, parsed.reply_to_addresses):
        assert len(addresses or ()) <= mime_addresses.ADDRESSES
        for each in addresses or ():
            assert len(each.name) <= mime_addresses.NAME_CHARACTERS
            assert all(each.address.rpartition("@"))
            (each.name + each.address).encode()
    for item in parsed.attachments:
        assert len(item.name) <= mime_parameters.NAME_CHARACTERS
        assert "/" not in item.name
        assert len(item.content_id or "") <= mime_headers.LINE_CHARACTERS
        # A line of uuencode may have lost the blanks that stand for its zeros, up to 63 octets.
        assert 0 <= item.size <= len(content) * (32 if item.encoding == "uuencode" else 1)
        assert item.part.replace(".", "").isdecimal()
    assert len(parsed.codes) <= codes.CODES
    for code in parsed.codes:
        assert code_candidates.LEAST <= len(code.value.replace("-", "")) <= code_candidates.MOST
        assert code.value.isascii()
        assert 0 < code.confidence <= 1
        assert len(code.evidence) <= codes.EVIDENCE_CHARACTERS
        assert len(code.evidence.splitlines()) < 2
        code.evidence.encode()
    assert len(parsed.links) <= links.LINKS
    assert len({link.url for link in parsed.links}) == len(parsed.links)
    for link in parsed.links:
        assert len(link.url) <= urls.CHARACTERS
        assert link.url.lower().startswith(("http://", "https://", "mailto:"))
        assert len(link.text) <= anchors.TEXT_CHARACTERS
        (link.url + link.text).encode()
    listed = [text for item in parsed.attachments for text in (item.name, item.type, item.content_id or "")]
    for text in (*fields, parsed.from_address, parsed.text, parsed.html or "", *listed):
        text.encode()
        assert "\0" not in text
    assert parsed.date_header is None or parsed.date_header.utcoffset() is not None


def seconds(content: bytes) -> float:
    began = time.process_time()
    parse.parse(content)
    return time.process_time() - began


STEPS = (chunks.OCTETS, charset._WINDOW, steps.CHARACTERS)  # noqa: SLF001
USUAL_SECONDS = min(seconds(USUAL) for _ in range(100)) / len(USUAL)


def test_one_input(content: bytes) -> None:
    short = sum(content[:1])
    step(16 + 8 * short, 8 + short, 32 + short)
    check(content)
    step(*STEPS)
    check(content)
    limit = DEAR * USUAL_SECONDS * (len(content) + len(USUAL))
    assert any(seconds(content) < limit for _ in range(TRIES)), "too slow for its length"


def main(kept: Path, arguments: list[str]) -> None:
    """Fuzz with the arguments for libFuzzer, from the kept inputs and the seeds, until its time ends."""
    kept.mkdir(parents=True, exist_ok=True)
    for seed in [*SEEDS, *(file.read_bytes() for file in corpus.FILES)]:
        (kept / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    options = [f"-dict={HERE / 'mime.dict'}", f"-artifact_prefix={kept.parent}/", f"-max_len={OCTETS}"]
    atheris.Setup([sys.argv[0], *options, *arguments, str(kept)], test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
