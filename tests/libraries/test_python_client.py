"""clients/python on real services: each method and each error; each message is returned once."""

import asyncio
import inspect
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from support.harness import Pair
from support.sender import Sender
from support.smtp_client import SmtpClient
from support.waiting import deadline

from fake_email_client import AsyncMail, AsyncMailbox, ListedMessage, Mail, Mailbox, NoMail, Problem, Unexpected

LINK = "https://example.test/verify?t=Qm9w"


@pytest.fixture(scope="module")
def mail(pair: Pair) -> Iterator[Mail]:
    with Mail(pair.http_url) as mail:
        yield mail


@pytest.fixture
def box(mail: Mail) -> Iterator[Mailbox]:
    with mail.mailbox() as box:
        yield box


def test_a_mail_that_arrives_later_is_returned_with_its_text(mail: Mail, sender: Sender) -> None:
    with mail.mailbox(private=True, ttl=600) as box, ThreadPoolExecutor() as threads:
        waited = threads.submit(box.wait, subject="hello", from_="ann@", timeout=20)
        sender.text(box.address, "Hello, Bob", "How are you?")

        assert waited.result().text.strip() == "How are you?"


def test_mail_that_came_before_is_found_in_any_order_and_each_message_once(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "One")
    sender.text(box.address, "Two")

    assert box.wait(subject="two").subject == "Two"
    assert box.wait().subject == "One"
    sender.text(box.address, "Three")
    assert box.wait().subject == "Three"


def test_a_code_that_is_sent_again_is_the_next_code(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "Code", "Your code is 482913.")
    first = box.code()
    sender.text(box.address, "Code", "Your code is 771204.")

    assert (first, box.code(subject="code")) == ("482913", "771204")


def test_calls_that_wait_at_the_same_time_get_different_messages(box: Mailbox, sender: Sender) -> None:
    with ThreadPoolExecutor() as threads:
        waited = [threads.submit(box.wait) for _ in range(3)]
        for subject in "ABC":
            sender.text(box.address, subject)

        assert sorted(each.result().subject for each in waited) == ["A", "B", "C"]


def test_a_link_is_found_by_its_kind(box: Mailbox, sender: Sender) -> None:
    sender.welcome(box.address)

    with pytest.raises(NoMail) as error:
        box.link("reset", timeout=1)
    assert error.value.near_misses[0].failed == ("link=reset",)
    assert box.link("verify") == LINK


def test_a_message_has_its_code_and_its_link(box: Mailbox, sender: Sender) -> None:
    sender.welcome(box.address)
    sender.text(box.address, "News")

    message = box.wait(has=["code", "link", "attachment"])
    assert (message.code, message.link, message.link_of("reset")) == ("482913", LINK, None)
    news = box.wait()
    assert (news.code, news.link) == (None, None)


def test_a_regular_expression_and_a_query_are_clauses(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "Order 17")
    sender.text(box.address, "Order 4711")

    assert box.wait(subject=re.compile(r"^order \d{4}$", re.IGNORECASE)).subject == "Order 4711"
    assert box.wait(query="subject:order -4711").subject == "Order 17"


def test_a_misspelt_clause_is_refused(box: Mailbox) -> None:
    with pytest.raises(TypeError, match=r"no such clause: subjekt; there are from_, subject, text, has, query"):
        box.wait(subjekt="welcome")  # type: ignore[call-arg]  # the test is about a caller without a type checker


def test_a_misspelt_option_is_refused(mail: Mail) -> None:
    with pytest.raises(TypeError, match=r"no such option: tll; there are name, domain, private"):
        mail.mailbox(tll=600)  # type: ignore[call-arg]  # the test is about a caller without a type checker


def test_no_mail_says_what_was_waited_for_and_what_came_instead(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "News")

    with pytest.raises(NoMail) as error:
        box.wait(subject="invoice", has=["code", "link"], timeout=1)
    assert str(error.value) == (
        f'No mail with subject "invoice" and a code and a link came to {box.address} within 1 s.\n'
        'Other mail:\n- "News" from ann@example.test failed subject, has=code, has=link'
    )


def test_no_mail_of_an_empty_mailbox_says_that_nothing_came(box: Mailbox) -> None:
    with pytest.raises(TimeoutError, match=r"^No mail came to \S+ within 1\.5 s\. No other mail came\.$"):
        box.wait(timeout=1.5)


async def test_no_mail_says_that_a_sender_left(pair: Pair, mail: Mail) -> None:
    with mail.mailbox(private=True) as box:
        async with SmtpClient.connect(pair.smtp_port) as session:
            await session.begin(box.address)
        said = ""
        for _ in deadline():
            with pytest.raises(NoMail) as error:
                await asyncio.to_thread(box.wait, timeout=1)
            said = str(error.value)
            if error.value.refused:
                break

        [attempt] = box.timeline().attempts

    assert said.endswith("No other mail came.\nMail that was not stored:\n- data: the sender left")
    assert (attempt.stage, attempt.reply, attempt.message_id) == ("data", None, None)


def test_no_mail_lists_messages_that_were_returned_before(box: Mailbox, sender: Sender) -> None:
    for subject in ("News", "Welcome", "More news"):
        sender.text(box.address, subject)
    box.wait(subject="welcome")

    with pytest.raises(NoMail) as error:
        box.wait(subject="welcome", timeout=1)
    assert [(each.subject, each.failed) for each in error.value.near_misses] == [
        ("Welcome", ("returned before",)),
        ("More news", ("subject",)),
    ]


def test_expect_none_is_content_without_such_mail_and_shows_the_mail_that_came(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "Buy", "Two for one.")

    box.expect_none(subject="invoice", within=1)
    with pytest.raises(Unexpected, match=r'No mail from "@example\.test" was expected') as error:
        box.expect_none(from_="@example.test", within=1)
    assert str(error.value).endswith("\nFrom: Ann <ann@example.test>\nSubject: Buy\n\nTwo for one.")
    assert error.value.mail.subject == "Buy"


def test_a_problem_of_the_api_is_raised_at_once_with_its_code_and_field(box: Mailbox) -> None:
    with pytest.raises(Problem, match=r"^400 bad_input: .*purple") as error:
        box.wait(query="is:purple")
    assert (error.value.code, error.value.status, error.value.field) == ("bad_input", 400, "query")


def test_a_message_is_read_with_all_that_it_has(box: Mailbox, sender: Sender) -> None:
    sender.welcome(box.address)
    [listed] = box.messages()
    message = box.read(listed)

    assert listed.preview.startswith("Your code is 482913.")
    assert message.from_[0].name == "Ann"
    assert box.read(message.id) == message
    assert box.source(message).startswith(b"Return-Path: <ann@example.test>")
    assert "Confirm your address" in box.html(message)
    assert box.attachment(message).strip() == b"Be kind."
    with pytest.raises(Problem) as error:
        box.attachment(message, 7)
    assert error.value.code == "attachment_not_found"


def test_a_browser_gets_the_html_by_a_url_without_the_token(mail: Mail, sender: Sender) -> None:
    with mail.mailbox(private=True) as box:
        sender.welcome(box.address)
        url = box.html_url(box.wait(), remote=True)

        assert str(box.token) not in url
        assert "Confirm your address" in httpx2.get(url, trust_env=False).text


def test_a_proxy_in_the_environment_is_not_asked_for_this_machine(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with Mail(pair.http_url, patience=0) as mail:
        assert mail.domains().default == "mx.test"


def test_messages_are_listed_marked_and_deleted_one_by_one_and_by_a_query(box: Mailbox, sender: Sender) -> None:
    for subject in "ABC":
        sender.text(box.address, subject)

    assert [each.subject for each in box.messages()] == ["C", "B", "A"]
    [message] = box.messages("subject:a", order="oldest")
    box.mark(message)
    assert box.info().unseen_count == 2
    assert box.mark_all(seen=False) == 1
    box.delete(message)
    box.delete(message)
    assert box.clear("subject:b") == 1
    assert box.clear() == 1
    assert box.info().message_count == 0


def test_a_list_has_all_pages(box: Mailbox, sender: Sender) -> None:
    for number in range(101):
        sender.text(box.address, str(number))

    assert [each.subject for each in box.messages(order="oldest")] == [str(number) for number in range(101)]


def test_a_mailbox_has_the_name_the_domain_and_the_end_that_were_asked_for(mail: Mail) -> None:
    domain = mail.domains().domains[-1]
    with mail.mailbox(name="ann", domain=domain, ttl=60) as box:
        before, after = box.info(), box.extend(600)

        assert re.fullmatch(rf"ann.+@{re.escape(domain)}", box.address)
        assert after.expires_at > before.expires_at


def test_an_exact_name_is_given_out_once(mail: Mail) -> None:
    with mail.mailbox(name="only.ann", private=True, exact=True), pytest.raises(Problem) as error:
        mail.mailbox(name="only.ann", private=True, exact=True)

    assert (error.value.code, error.value.status, error.value.field) == ("address_taken", 409, None)


def test_a_private_mailbox_is_opened_again_with_its_token(mail: Mail, sender: Sender) -> None:
    with mail.mailbox(private=True) as box:
        sender.text(box.address, "One")

        assert mail.open(box.address, box.token).wait().subject == "One"
        with pytest.raises(Problem) as error:
            mail.open(box.address).wait()
        assert error.value.code == "mailbox_not_found"


def test_the_end_of_a_block_deletes_the_mailbox_and_a_second_time_is_fine(mail: Mail) -> None:
    with mail.mailbox() as box:
        box.close()
    box.close()

    with pytest.raises(Problem) as error:
        box.info()
    assert error.value.code == "mailbox_not_found"


@pytest.mark.parametrize("url", ["localhost", "localhost:3001", "ftp://localhost", "http://"])
@pytest.mark.parametrize("kind", [Mail, AsyncMail])
def test_an_address_that_is_no_address_of_a_server_is_refused_at_once(
    kind: type[Mail] | type[AsyncMail], url: str
) -> None:
    with pytest.raises(ValueError, match="is not the URL of an API"):
        kind(url)


def test_a_stream_has_what_is_there_and_each_new_message_until_the_mailbox_is_over(
    box: Mailbox, sender: Sender
) -> None:
    sender.text(box.address, "One")
    subjects = []
    for message in box.stream():
        subjects.append(message.subject)
        if len(subjects) == 1:
            sender.text(box.address, "Two")
        else:
            box.delete(message)
            box.close()

    assert subjects == ["One", "Two"]


def test_a_stream_begins_after_a_message_or_with_what_arrives_from_now_on(box: Mailbox, sender: Sender) -> None:
    sender.text(box.address, "One")
    sender.text(box.address, "Two")
    after_one, from_now = box.stream(since=1), box.stream(since="now")

    assert next(after_one).subject == "Two"
    with ThreadPoolExecutor() as threads:
        arrived = threads.submit(next, from_now)
        for _ in deadline():
            sender.text(box.address, "Three", secrets.token_hex())  # the same bytes would be one message
            if arrived.done():
                break
        assert arrived.result().subject == "Three"
    after_one.close()
    from_now.close()


def test_a_stream_of_a_mailbox_that_there_is_not_is_a_problem(mail: Mail) -> None:
    with pytest.raises(Problem) as error:
        next(mail.open("nobody@mx.test").stream())

    assert error.value.code == "mailbox_not_found"


def test_one_stream_has_the_mail_of_several_mailboxes_until_the_last_is_over(mail: Mail, sender: Sender) -> None:
    with mail.mailbox(private=True) as ann, mail.mailbox() as bob:
        sender.text(ann.address, "One")
        found = []
        for message in mail.stream([ann, bob]):
            found.append((message.temp_email_addr, message.subject))
            if len(found) == 1:
                ann.close()
                sender.text(bob.address, "Two")
            else:
                bob.close()

        assert found == [(ann.address, "One"), (bob.address, "Two")]


def test_a_stream_of_several_mailboxes_from_now_on_has_no_mail_that_was_there(mail: Mail, sender: Sender) -> None:
    with mail.mailbox() as ann, mail.mailbox() as bob, mail.mailbox() as eve, ThreadPoolExecutor() as threads:
        sender.text(ann.address, "Old")
        sender.text(bob.address, "Old")
        stream = mail.stream([ann, bob, eve], since="now")
        arrived = threads.submit(next, stream)
        for _ in deadline():
            sender.text(eve.address, "New", secrets.token_hex())
            if arrived.done():
                break

        assert arrived.result().subject == "New"
        stream.close()


async def test_each_method_of_the_asynchronous_client(pair: Pair, sender: Sender) -> None:
    async with AsyncMail(pair.http_url) as mail, mail.mailbox(private=True, ttl=600) as box:
        sender.welcome(box.address)
        message = await box.wait(has="code")
        assert [each.subject async for each in _taken(box.stream(), 1)] == ["Welcome"]
        assert [each.temp_email_addr async for each in _taken(mail.stream([box]), 1)] == [box.address]
        assert await box.read(message) == message
        assert (await box.source(message)).startswith(b"Return-Path:")
        assert "Confirm" in await box.html(message)
        assert (await box.html_url(message)).startswith(f"{pair.http_url}/api/messages/{message.id}/html?ticket=")
        assert (await box.attachment(message)).strip() == b"Be kind."
        await box.mark(message)
        assert await box.mark_all(seen=False) == 1
        assert [each.id for each in await box.messages()] == [message.id]
        await box.expect_none(within=1)
        sender.welcome(box.address)
        assert await box.code() == "482913"
        sender.welcome(box.address)
        assert await box.link("verify") == LINK
        await box.delete(message)
        assert await box.clear() == 2
        assert (await box.extend(600)).message_count == (await box.info()).message_count == 0
        assert [each.stage for each in (await box.timeline()).attempts] == ["commit"] * 3
        assert (await mail.domains()).default == "mx.test"


async def test_an_asynchronous_mailbox_is_deleted_at_the_end_of_its_block_or_by_close(pair: Pair) -> None:
    async with AsyncMail(pair.http_url) as mail:
        async with mail.mailbox() as box:
            pass
        made = await mail.mailbox(name="ann")
        await made.close()

        for each in (box, made):
            with pytest.raises(Problem, match="mailbox_not_found"):
                await each.info()


async def _taken(stream: AsyncGenerator[ListedMessage, None], number: int) -> AsyncIterator[ListedMessage]:
    for _ in range(number):
        yield await anext(stream)
    await stream.aclose()


@pytest.mark.parametrize(("kind", "other"), [(Mail, AsyncMail), (Mailbox, AsyncMailbox)])
def test_the_asynchronous_client_has_the_same_methods(kind: type, other: type) -> None:
    assert _signatures(kind) == _signatures(other)


def test_help_shows_the_result_of_a_method() -> None:
    assert str(inspect.signature(Mailbox.mark_all)) == "(self, query: str | None = None, *, seen: bool = True) -> int"


def _signatures(kind: type) -> dict[str, list[tuple[str, object, object]]]:
    """The parameters of each public method, with their annotations and defaults."""
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {
        name: [
            (each.name, str(each.annotation).replace("Async", ""), each.default)
            for each in inspect.signature(method).parameters.values()
        ]
        for name, method in methods
        if not name.startswith("_")
    }
