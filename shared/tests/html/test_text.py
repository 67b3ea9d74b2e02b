"""The text that a reader sees in HTML."""

import pytest

from fake_email.html import text as html_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("  much \n\t space <b> </b> here ", "much space here"),
        ("<head><title>T</title><style>p{}</style></head><script>x<y</script>Seen<!-- not -->", "Seen"),
        ("a &lt; b &amp;&nbsp;&euro; &#x17d;", "a < b & € Ž"),
        ("1 < 2 <3", "1 < 2 <3"),
        (
            "<table><tr><th>Item</th><th>Price</th></tr>\n<tr> <td>Tea</td> <td>3</td></tr></table>",
            "Item  Price\nTea  3",
        ),
        ("<ul><li>a<li>b</ul><ol><li>c<li>d</ol>", "* a\n* b\n\n1. c\n2. d"),
        ("<ol start=3><li>c<li value='7'>d<li>e</ol>", "3. c\n7. d\n8. e"),
        ("<ol start=x><li value=-1>c<li value=>d<li value=9999999999>e</ol>", "1. c\n2. d\n3. e"),
        ("<details><summary>a</summary>b</details><menu><li>c</menu>d<hgroup>e</hgroup>", "a\nb\n\n* c\n\nd\ne"),
        ("<pre>  a\n    b</pre>", "  a\n    b"),
        ("above<hr>below", "above\n---\nbelow"),
        ("<img alt='Our logo' src=x><img alt='' src=y>", "[Our logo]"),
        ("Code&zwnj;&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;", "Code"),
        ("<!--[if mso]>hidden<![endif]--><![if !mso]>seen<![endif]>", "seen"),
        ("<!-->seen<!-- hidden --!>, <!--->too", "seen, too"),
        ("<p title='a > b' x=\"'>\">seen</p>", "seen"),
        ("a&notit;b &ampc", "a¬it;b &c"),
        ("<img alt='a &amp;copy; b' src=x>", "[a &copy; b]"),
        ("a<textarea>b</textarea><xmp><p>c</xmp><svg><text>d</text></svg><svg/>e<select><option>f</select>", "ae"),
        ("", ""),
    ],
)
def test_html_is_rendered_as_a_reader_sees_it(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a<span style='display:block'>b</span>c", "a\nb\nc"),
        ("a<span style='display:block'>b<span>c</span>d</span>e", "a\nbcd\ne"),
        ("a<div style='display:inline'>b</div>c", "abc"),
        ("<p>a</p><p style='DISPLAY : inline !important'>b</p>c", "a\n\nbc"),
        ("<table><tr><td style='display:block'>a</td><td style='display:block'>b</td></tr></table>", "a\nb"),
        ("<table><tr><td style='display:inline'>1</td><td style='display:inline'>2</td></tr></table>", "12"),
        (
            "<div><div style='display:table-cell'>a</div><i style='display:table-cell'>b</i></div>",
            "a  b",
        ),
        ("<a href=https://x.test/ style='display:block'>a</a>b", "a <https://x.test/>\nb"),
        ("<ul><li style='display:inline'>a <li style='display:inline'>b</ul>", "a b"),
        # As `innerText` of Chromium has it: a paragraph stands apart also where it is a box in the line.
        ("a<p style='display:inline-block'>b</p>c", "a\n\nb\n\nc"),
        ("a<div style='display:inline-block'>b</div><h1 style='display:INLINE-FLEX'>c</h1>d", "abcd"),
        ("<div style='display:inline-block'>a</div>\n<div style='display:inline-table'>b</div>", "a b"),
        ("<div style='display:inline-block'>a<div>b</div></div>c", "a\nb\nc"),
        ("<ul><li style='display:inline-block'>a</li> <li style='display:inline-grid'>b</li></ul>", "a b"),
        (
            "<table><tr><td style='display:inline-block'>1</td><td style='display:inline-block'>2</td></tr></table>",
            "12",
        ),
        ("Total<span style='float:right'>5</span><i style='position:absolute'>6</i>7", "Total\n5\n6\n7"),
        ("<table><tr><td style='float:left'>a</td><td style='float:left'>b</td></tr></table>", "a\nb"),
        ("a<i style='float:none'>b</i><i style='position:relative'>c</i>", "abc"),
        ("a<div style='display:contents'>b</div><div style='display:unset'>c</div>", "abc"),
        ("<div style='display:flex'><span>Total</span><b>5</b> more</div>6", "Total\n5\nmore\n6"),
        ("<p style='display:grid'><i>a<b>b</b></i><i style='display:inline'>c</i></p>", "ab\nc"),
        ("<table><tr style='display:flex'><td>a</td><td>b</td></tr></table>", "a\nb"),
        ("<i style='display:flex'><i>a</i><p>b</i>c</p><b>d</b>e", "a\n\nbc\n\nde"),
        ("<div style='display:flex'><img alt=a><br><i hidden>b</i><i>c</i></div><i>d</i><i>e</i>", "[a]\nc\nde"),
        (
            "<div style='display:flex'><a href=https://x.test/a>a</a><a href=https://x.test/b>b</a></div>",
            "a <https://x.test/a>\nb <https://x.test/b>",
        ),
        ("a<i style='display:block;display:none'>b</i><i style='display:none;display:block'>c</i>", "a\nc"),
        ("a<i style='display:none!important;display:block'>b</i>", "a"),
        ("a<i style='display:none;display:-x-unknown'>b</i>", "a"),
        ("<p>a<div>b</div>c</p>d", "a\n\nb\nc\n\nd"),
        ("a<p style='display:none'>b</p>c", "ac"),
    ],
)
def test_the_style_of_an_element_says_whether_it_stands_on_lines_of_its_own(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p style='white-space:pre-wrap'>Hello,\n\nyour  code:\n 123456</p>", "Hello,\n\nyour  code:\n 123456"),
        ("<div style='white-space: PRE'>a\tb\n c</div>d  e", "a    b\n c\nd e"),
        ("<div style='white-space:pre-line'>a  b\n\tc</div>d\ne", "a b\nc\nd e"),
        ("<span style='white-space:break-spaces'>a\nb</span>\nc", "a\nb c"),
        ("<pre style='white-space:pre-wrap'>a\n  b</pre>c\nd", "a\n  b\n\nc d"),
        ("<pre style='white-space:normal'>a\n  b</pre>", "a b"),
        ("<pre>a<b>b\nc</b>\nd</pre>", "ab\nc\nd"),
        (
            "<div style='white-space:pre-wrap'>a\n<i style='white-space:pre-line'>b  c</i>  d</div>e\nf",
            "a\nb c  d\ne f",
        ),
        ("<div style='white-space:pre-wrap'><p>a\n<p>b\n</div>c\nd", "a\n\nb\n\nc d"),
        (
            "<td style='white-space:pre'><table style='white-space:pre'><tr>\n<td>a</td>\n<td>b</td></tr></table>",
            "a  b",
        ),
        ("<div style='white-space:nowrap'>a\nb</div>", "a b"),
        ("<div hidden style='white-space:pre'>a\nb</div>c\nd", "c d"),
        ("<img style='white-space:pre' alt='a\nb'>c\nd", "[a b]c d"),
        ("<u style='white-space:pre'>a<div>b</u>\nc</div>d\ne", "a\nb\nc\nd e"),
    ],
)
def test_blanks_and_line_ends_are_kept_where_the_style_keeps_them(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ul><li><p>a</p><p>b</p></li><li>\n <div>c</div></ul>d", "* a\n\nb\n\n* c\n\nd"),
        ("<ol><li><h2>a</h2><li><table><tr><td>b</td><td>c</td></tr></table></ol>", "1. a\n\n2. b  c"),
        ("<ul><li></li><li>a<ul><li><p>b</ul></ul>", "*\n* a\n\n* b"),
        ("<ul><li><ol><li>a</ol></ul>", "*\n\n1. a"),
        ("a\x1f<p>b", "a b"),
    ],
)
def test_the_mark_of_an_item_stands_before_its_first_block(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (
            "<img alt=Hi usemap=#m><map name=m><area href=https://x.test/ alt='Go &amp; see'></map>",
            "[Hi]\nGo & see <https://x.test/>",
        ),
        (
            "<map><area href=https://x.test/?a=1&copy=2><area alt=x><area href=javascript:x alt=y></map>",
            "<https://x.test/?a=1&copy=2>",
        ),
        ("<map style='display:none'><area href=https://x.test/ alt=a></map>b", "b"),
        ("<base href=https://x.test/a/><a href=b?c=1&copy=2>Go</a>", "Go <https://x.test/a/b?c=1&copy=2>"),
        ('<a href="https://x.test/a?b=1&amp;c=2">Confirm</a>', "Confirm <https://x.test/a?b=1&c=2>"),
        ("<a href='https://x.test/'>x.test</a>", "x.test"),
        ("<a href=mailto:a@x.test>a@x.test</a>", "a@x.test"),
        ("<a href=https://x.test/><img src=y></a>", "<https://x.test/>"),
        ("<a href=https://x.test/a>one <a href=https://x.test/b>two", "one <https://x.test/a>two <https://x.test/b>"),
        ("<a href='#top'>Top</a> <a href='javascript:x()'>Run</a> <a name=x>Mark</a>", "Top Run Mark"),
    ],
)
def test_the_target_of_a_link_is_shown(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("seen<script>never closed", "seennever closed"),
        ("seen<!-- never closed", "seen"),
        ('seen<a href="never closed', "seen"),
        ("seen</div></ul></pre></a></nothing>", "seen"),
        ("&#99999999999999999999;&#xd800;", "\ufffd\ufffd"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("<b>" * 50_000 + "deep", "deep"),
    ],
    ids=range(7),
)
def test_broken_markup_is_rendered(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<div style='display:none'>pre</div>seen", "seen"),
        ("<DIV STYLE='DISPLAY: NONE'>pre</DIV>seen", "seen"),
        ("<span style='color:red;visibility:hidden'>pre</span>seen", "seen"),
        ("<span style='opacity:0'>pre</span>seen", "seen"),
        ("<div style='max-height:0px;overflow:hidden'>pre</div>seen", "seen"),
        ("<p hidden>pre</p>seen", "seen"),
        ("<div style='display:none'>a<div>b</div>c<br><img alt=d></div>seen", "seen"),
        ("<div style='display:none'><a href=https://x.test/>pre</a></div>seen", "seen"),
        ("<p style='display:none'>pre<p>seen", "seen"),
        ("seen<img style='display:none' alt=pixel>", "seen"),
        ("<div style='font-size:0'>pre</div>seen", "seen"),
        ("<div style='display:/**/none'>pre</div>seen", "seen"),
        ("<div style='display&#58;none'>pre</div>seen", "seen"),
        ("<x-y style='display:none'>pre</x-y>seen", "seen"),
        ("<div><span style='display:none'>pre</div>seen", "seen"),
        ("<div style='display:none'>pre</p></span></b>more</div>seen", "seen"),
        ("<table><tr><td style='display:none'>pre<td>seen</table>", "seen"),
        ("<ul><li style='display:none'>pre<li>seen</ul>", "* seen"),
        ("<p style='display:none'>pre<div>seen</div></p>", "seen"),
        ("<div style='visibility:hidden'>pre<b style='visibility:visible'>seen</b>pre</div>", "seen"),
        (
            "<td style='font-size:0'><table><td style='font-size:0'>pre<div style='font:1px a'>seen</div>pre</table>",
            "seen",
        ),
    ],
)
def test_what_a_style_hides_is_not_shown(markup: str, text: str) -> None:
    assert html_text.render(markup) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='opacity:0.9;font-size:0.9em;max-height:0.5em'>seen</div>",
        "<td style='font-size:0px;padding:10px'><div style='font-size:13px'>seen</div></td>",
        "<a style='mso-hide:all'>seen</a>",
        "<div style='mso-hide:all'>seen by all but Outlook</div>",
        "<p class='hidden sm:block' title='display:none' aria-hidden=true>seen</p>",
        "<div style='overflow:hidden'>seen</div>",
        "<div style='max-height:0'>seen, for it flows over</div>",
        "<div hidden style='display:block'>seen</div>",
        "<div style='display:none\\9'>seen, for that is no value</div>",
        "<div style=\"font-family:'a;display:none'\">seen</div>",
        "<table style='display:none'>seen before the table</table>",
        "<td style='display:none'>seen, for there is no table",
        "<div style='display:none'>seen, for it is never closed",
    ],
)
def test_what_a_style_does_not_hide_is_shown(markup: str) -> None:
    assert html_text.render(markup).startswith("seen")
