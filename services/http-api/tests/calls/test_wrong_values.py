"""Each parameter and each field of a body says in words what it takes, when a request has something else."""

import re
from collections.abc import Iterator

import httpx
import pytest
from support import api_document
from support.api_document import Parameter
from support.calls import CALLS, Call

from http_api.calls.tickets import NewTicket
from http_api.protocol.errors import BadInput
from http_api.protocol.json_body import decode_strictly

# Words of a validator, not of people who read an error.
JARGON = re.compile(r"\b(?:enum|int|float|bool|str|null|array|got)\b|Expected|`|>=|<=")
DOCUMENT = api_document.read()
OF_CALL = {f"{call.method.lower()} {call.template}": call for call in CALLS}


def typed() -> Iterator[tuple[str, Parameter]]:
    """Each parameter in a query that does not take every string, after its call."""
    for name, operation in DOCUMENT.operations():
        for each in DOCUMENT.parameters(operation):
            if each.place == "query" and choices(each) | types(each) & {"integer", "number", "boolean"}:
                yield name, each


def variants(parameter: Parameter) -> Iterator[dict[str, object]]:
    """The schema of the parameter, or of its items, in each form that it may have."""
    todo: list[object] = [parameter.schema]
    while todo:
        schema = todo.pop()
        if isinstance(schema, dict):
            yield schema
            todo += [*schema.get("oneOf", ()), *schema.get("anyOf", ()), schema.get("items")]


def choices(parameter: Parameter) -> set[str]:
    return {str(choice) for each in variants(parameter) for choice in as_list(each.get("enum"))}


def types(parameter: Parameter) -> set[str]:
    return {str(each.get("type")) for each in variants(parameter)}


def bounds(parameter: Parameter) -> set[str]:
    found = (each.get(bound) for each in variants(parameter) for bound in ("minimum", "maximum"))
    return {f"{each:g}" for each in found if isinstance(each, int | float)}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


TYPED = list(typed())


def test_the_document_has_parameters_with_choices_and_numbers() -> None:
    assert {each.name for _, each in TYPED} >= {"order", "has", "expect", "disposition", "limit", "timeout", "unseen"}


@pytest.mark.parametrize(("name", "parameter"), TYPED, ids=lambda each: getattr(each, "name", each))
async def test_a_parameter_with_a_wrong_value_names_what_it_takes(
    http: httpx.AsyncClient, name: str, parameter: Parameter
) -> None:
    call = OF_CALL[name].about("ann@mx.test", "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11")
    query = {"address": "ann@mx.test"} if call.is_about_a_mailbox or "address" in call.parameters else {}

    answer = await http.request(call.method, call.bare_path, params=query | {parameter.name: "wrong"}, json=call.body)

    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (400, parameter.name)
    told = problem["detail"]
    assert told.startswith(f"{parameter.name}: must be ")
    assert choices(parameter) | bounds(parameter) <= set(re.findall(r"[a-z0-9]+", told))
    assert not JARGON.search(told)


@pytest.mark.parametrize("call", [call for call in CALLS if call.takes_body], ids=str)
async def test_a_field_of_a_body_with_a_wrong_value_names_what_it_takes(http: httpx.AsyncClient, call: Call) -> None:
    media = DOCUMENT.paths[call.template][call.method.lower()].request_body.content["application/json"]
    about = call.about("ann@mx.test", "019c1374-9a31-7c5e-8f4e-4a6f0b8f3c11")

    for name in DOCUMENT.fields(media):
        answer = await http.request(about.method, about.path, json={name: {}})

        told = answer.json()["detail"]
        assert (answer.status_code, answer.json()["field"]) == (400, name), told
        assert told.startswith(f"{name}: must be ")
        assert not JARGON.search(told)


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({}, "mailboxes", "mailboxes: missing; this call needs it."),
        ({"mailboxes": []}, "mailboxes", "mailboxes: must be a list of 1 to 50 items."),
        ({"mailboxes": [1]}, "mailboxes[0]", "mailboxes[0]: must be an object."),
        ({"mailboxes": [{}]}, "mailboxes[0].address", "mailboxes[0].address: missing; this call needs it."),
        (
            {"mailboxes": [{"address": "a@b", "token": 5}]},
            "mailboxes[0].token",
            "mailboxes[0].token: must be a string.",
        ),
        ({"mailboxes": [{"adress": "a@b"}]}, "adress", "adress: not a field of this call; the nearest is address."),
        ({"mailboxes": [{"address": "a@b"}], "ttl_seconds": 5}, "ttl_seconds", None),
        ([], "body", "body: must be an object."),
    ],
)
def test_a_value_deep_in_a_body_is_named_by_its_path(body: object, field: str, sentence: str | None) -> None:
    with pytest.raises(BadInput) as caught:
        decode_strictly(body, NewTicket)

    assert caught.value.field == field
    assert str(caught.value) == (sentence or "ttl_seconds: must be a whole number from 60 to 604800.")
