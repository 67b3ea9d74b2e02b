"""The table of public codes, and the problems made of it."""

from fake_email.errors import ServiceError
from http_api.protocol import errors, problems
from http_api.protocol.error_handlers import HANDLERS
from http_api.protocol.problems import ProblemType


def test_every_error_of_http_has_a_public_code_or_a_handler_of_its_own() -> None:
    defined = {each for each in vars(errors).values() if isinstance(each, type) and each is not ServiceError}

    assert defined - problems.OF_ERROR.keys() - HANDLERS.keys() == set()


def test_no_error_has_two_public_codes() -> None:
    assert len(problems.OF_ERROR) == sum(len(each.errors) for each in ProblemType)


def test_a_code_is_the_name_in_lower_case() -> None:
    assert problems.problem(ProblemType.NO_HTML).code == "no_html"


def test_a_problem_does_not_repeat_a_token_in_its_sentence_or_its_field() -> None:
    token = "kD3vB0pQ9yWm2fJx7sLz1aRt5uHc8nEo"

    problem = problems.problem(ProblemType.BAD_INPUT, field=token, sentence=f"{token}: not a field of this call.")

    assert (problem.field, problem.detail, problem.error) == ("…", *["…: not a field of this call."] * 2)
