"""The test suite of RFC 7208, which pyspf ships with its source: each case has its own small DNS."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from fake_email.authentication import MethodResult
from smtp_ingest.authentication import spf_check
from smtp_ingest.authentication.questions import Answer, Question

SUITE = Path(__file__).with_name("rfc7208-tests.yml")
MOST_QUESTIONS = 60

Zone = Mapping[str, list[object]]


class Case(TypedDict):
    host: str
    helo: str
    mailfrom: str
    result: str | list[str]


def scenarios() -> Iterator[tuple[str, Case, Zone]]:
    # The loader in C takes a tenth of the time, in each process of a run.
    for scenario in yaml.load_all(SUITE.read_text(encoding="utf-8"), yaml.CSafeLoader):
        zone = {name.lower(): records for name, records in scenario["zonedata"].items()}
        for name, case in scenario["tests"].items():
            yield name, case, zone


def answer(zone: Zone, wanted: Question, hops: int = 0) -> Answer:
    records = zone.get(wanted.name, [])
    has_txt = any(isinstance(each, dict) and "TXT" in each for each in records)
    values: list[str] = []
    for each in records:
        if not isinstance(each, dict):  # TIMEOUT: for the types that have no record before it
            return Answer(values=tuple(values), failure="" if values else "timed out")
        for kind, value in each.items():
            if kind == "CNAME" and hops < 10:
                return answer(zone, Question(name=value.lower(), type=wanted.type), hops + 1)
            # The suite writes a record once where it stands for both types.
            is_txt = wanted.type == "TXT" and (kind == "TXT" or (kind == "SPF" and not has_txt))
            if (kind != wanted.type and not is_txt) or value == "NONE":
                continue
            if value == "TIMEOUT":
                return Answer(failure="timed out")
            values.append(text(wanted.type, value))
    return Answer(values=tuple(values))


def text(kind: str, value: object) -> str:
    if kind == "TXT" and isinstance(value, list):
        return "".join(text(kind, each) for each in value)
    if kind == "TXT":
        return str(value).encode("utf-8", "surrogateescape").decode("latin-1")
    if kind == "MX" and isinstance(value, list):
        return f"{value[0]} {value[1]}"
    return str(value)


def evaluated(case: Case, zone: Zone) -> MethodResult:
    answers: dict[Question, Answer] = {}
    for _ in range(MOST_QUESTIONS):
        result = spf_check.evaluate(
            answers, client_address=case["host"], host_name=case["helo"], reverse_path=case["mailfrom"]
        )
        if isinstance(result, MethodResult):
            return result
        assert result not in answers
        answers[result] = answer(zone, result)
    raise AssertionError(f"more than {MOST_QUESTIONS} questions")


@pytest.mark.parametrize(("case", "zone"), [pytest.param(case, zone, id=name) for name, case, zone in scenarios()])
def test_a_case_of_the_suite_has_one_of_its_results(case: Case, zone: Zone) -> None:
    result = evaluated(case, zone)

    expected = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert result.result in expected
