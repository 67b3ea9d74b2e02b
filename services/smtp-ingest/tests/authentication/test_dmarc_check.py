"""DMARC: which policy record holds for a domain, which domains are of the same organization, and what follows."""

import pytest

from fake_email.authentication import DmarcResult, MethodResult, SignatureResult
from smtp_ingest.authentication import dmarc_check, tree_walk
from smtp_ingest.authentication.questions import Answer, Question

NONE, PSD = "v=DMARC1; p=none", "v=DMARC1; p=reject; psd=y"
NO_SPF = MethodResult(result="none", reason="")


def zone(records: dict[str, str | Answer]) -> dict[Question, Answer]:
    """The answers of a DNS that has these DMARC records."""
    return {
        Question(name=f"_dmarc.{domain}", type="TXT"): each if isinstance(each, Answer) else Answer(values=(each,))
        for domain, each in records.items()
    }


def checked(
    records: dict[str, str | Answer],
    *,
    sender: str,
    spf: str = "",
    dkim: str = "",
    more: dict[Question, Answer] | None = None,
) -> DmarcResult:
    """The result for a sender whose domains `spf` and `dkim` pass."""
    known = zone(records) | (more or {})
    found_spf = MethodResult(result="pass", reason="", domain=spf) if spf else NO_SPF
    found_dkim = (SignatureResult(result="pass", reason="", domain=dkim),) if dkim else ()
    answers: dict[Question, Answer] = {}
    for _ in range(3):
        wanted = dmarc_check.questions(answers, sender, found_spf, found_dkim)
        answers |= {each: known.get(each, Answer()) for each in wanted}
    assert not dmarc_check.questions(answers, sender, found_spf, found_dkim)
    return dmarc_check.check(answers, [sender], found_spf, found_dkim)


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("a.b.example", ["a.b.example", "b.example", "example"]),
        ("1.2.3.4.5.6.7", ["1.2.3.4.5.6.7", "2.3.4.5.6.7", "3.4.5.6.7", "4.5.6.7", "5.6.7", "6.7", "7"]),
        (
            "0.0.0.1.2.3.4.5.6.7",
            [
                "0.0.0.1.2.3.4.5.6.7",
                *("1.2.3.4.5.6.7", "2.3.4.5.6.7", "3.4.5.6.7", "4.5.6.7", "5.6.7", "6.7", "7"),
            ],
        ),
    ],
)
def test_the_walk_goes_up_by_eight_names_at_most(domain: str, names: list[str]) -> None:
    assert tree_walk.names(domain) == names


@pytest.mark.parametrize(
    ("records", "domain", "organizational_domain", "policy_of"),
    [
        ({}, "a.shop.example", "a.shop.example", None),
        ({"shop.example": NONE}, "a.shop.example", "shop.example", "shop.example"),
        ({"a.shop.example": NONE, "shop.example": NONE}, "a.shop.example", "shop.example", "a.shop.example"),
        ({"shop.example": f"{NONE}; psd=n", "example": NONE}, "a.shop.example", "shop.example", "shop.example"),
        ({"example": PSD}, "a.shop.example", "shop.example", "example"),
        ({"shop.example": NONE, "example": PSD}, "a.shop.example", "shop.example", "shop.example"),
        ({"example": PSD}, "example", "example", "example"),
        ({"shop.example": "v=DMARC1"}, "shop.example", "shop.example", None),
        ({"shop.example": "v=DMARC1; rua=mailto:a@b.example"}, "shop.example", "shop.example", "shop.example"),
        ({"shop.example": "v=spf1 -all"}, "shop.example", "shop.example", None),
        ({"shop.example": Answer(values=(NONE, PSD))}, "shop.example", "shop.example", None),
    ],
)
def test_the_walk_finds_the_organization_and_the_policy(
    records: dict[str, str | Answer], domain: str, organizational_domain: str, policy_of: str | None
) -> None:
    asked = {each: Answer() for each in tree_walk.questions(domain)}

    found = tree_walk.walk(asked | zone(records), domain)

    assert found.organizational_domain == organizational_domain
    assert (found.record.domain if found.record else None) == policy_of


SHOP: dict[str, str | Answer] = {"shop.example": "v=DMARC1; p=reject; sp=quarantine"}


@pytest.mark.parametrize(
    ("records", "sender", "passed", "result", "policy"),
    [
        (SHOP, "shop.example", {"spf": "shop.example"}, "pass", "reject"),
        (SHOP, "shop.example", {"spf": "bounce.shop.example"}, "pass", "reject"),
        (SHOP, "news.shop.example", {"dkim": "shop.example"}, "pass", "quarantine"),
        (SHOP, "news.shop.example", {"dkim": "other.shop.example"}, "pass", "quarantine"),
        (SHOP, "shop.example", {"spf": "other.example", "dkim": "third.example"}, "fail", "reject"),
        (SHOP, "shop.example", {"spf": "example"}, "fail", "reject"),
        (SHOP, "shop.example", {}, "fail", "reject"),
        ({"shop.example": "v=DMARC1; p=reject; aspf=s"}, "shop.example", {"spf": "a.shop.example"}, "fail", "reject"),
        ({"shop.example": "v=DMARC1; p=reject; adkim=s"}, "shop.example", {"dkim": "a.shop.example"}, "fail", "reject"),
        ({"shop.example": "v=DMARC1; p=reject; t=y"}, "shop.example", {}, "fail", "quarantine"),
        ({"example": "v=DMARC1; p=reject; psd=y"}, "a.example", {"spf": "b.example"}, "fail", "reject"),
        ({}, "shop.example", {"spf": "shop.example"}, "none", None),
        ({"shop.example": Answer(failure="no answer in time")}, "shop.example", {}, "temperror", None),
    ],
)
def test_a_domain_of_the_same_organization_that_passed_confirms_the_sender(
    records: dict[str, str | Answer], sender: str, passed: dict[str, str], result: str, policy: str | None
) -> None:
    found = checked(records, sender=sender, spf=passed.get("spf", ""), dkim=passed.get("dkim", ""))

    assert (found.result, found.policy) == (result, policy), found.reason


@pytest.mark.parametrize(
    ("more", "policy"),
    [({}, "reject"), ({Question(name="no.shop.example", type="MX"): Answer(values=("10 mx.shop.example",))}, "none")],
)
def test_a_subdomain_that_does_not_exist_has_a_policy_of_its_own(more: dict[Question, Answer], policy: str) -> None:
    found = checked({"shop.example": "v=DMARC1; p=none; np=reject"}, sender="no.shop.example", more=more)

    assert (found.result, found.policy) == ("fail", policy)


@pytest.mark.parametrize(("domains", "reason"), [(["a.example", "b.example"], "several domains"), ([], "no address")])
def test_from_without_one_domain_is_an_error(domains: list[str], reason: str) -> None:
    found = dmarc_check.check({}, domains, NO_SPF, ())

    assert found.result == "permerror"
    assert reason in found.reason


def test_the_result_is_open_while_a_result_that_could_confirm_is_missing() -> None:
    answers = {each: Answer() for each in tree_walk.questions("shop.example")} | zone(SHOP)

    found = dmarc_check.check(
        answers, ["shop.example"], MethodResult(result="temperror", reason="no answer in time"), ()
    )

    assert found.result == "temperror"
