"""The structs of clients/python have the fields of the kept API document, and take those of a newer API."""

import json
from importlib import import_module
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import fake_email_client
from fake_email_client.clauses import Has, LinkKind
from fake_email_client.schemas import Link

DOCUMENT = json.loads((Path(__file__).parent / "openapi.json").read_bytes())
SCHEMAS = DOCUMENT["components"]["schemas"]
# The client's name of a struct, where the document has another one.
RENAMED = {"MailboxInfo": "Inbox", "Message": "WholeMessage", "Timeline": "MailboxTimeline", "Gone": "GoneEvent"}
# The events of a stream by ticket have this beside the properties of their schema.
OF_STREAMS = {"ListedMessage": {"temp_email_addr"}}
# What several forms of a message share; a request; what the command keeps in its file.
NO_SCHEMA = {"SomeMessage", "Call", "KnownMailbox"}
_SOURCES = sorted(Path(*fake_email_client.__path__).glob("*.py"))
_MODULES = [
    import_module(f"{fake_email_client.__name__}.{each.stem}")
    for each in _SOURCES
    if "msgspec.Struct" in each.read_text(encoding="utf-8")
]
STRUCTS = [
    each
    for module in _MODULES
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, msgspec.Struct)
    and each.__module__ == module.__name__
    and each.__name__ not in NO_SCHEMA
]


def schema(struct: type[msgspec.Struct]) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = SCHEMAS[RENAMED.get(struct.__name__, struct.__name__)]
    return found


def described(value: dict[str, object]) -> object:
    """The type of a property: its name, its variants, or the name of its struct; formats and limits aside."""
    for variants in ("oneOf", "anyOf"):
        if isinstance(given := value.get(variants), list):
            return sorted(str(described(each)) for each in given)
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        return next((ours for ours, theirs in RENAMED.items() if theirs == name), name)
    if isinstance(items := value.get("items"), dict):
        return [described(items)]
    return value.get("type", "string")


@pytest.mark.parametrize("struct", STRUCTS)
def test_a_struct_has_each_field_of_its_schema_with_the_same_type(struct: type[msgspec.Struct]) -> None:
    _, components = msgspec.json.schema_components([struct])
    added = OF_STREAMS.get(struct.__name__, set())
    ours = {
        name: described(each) for name, each in components[struct.__name__]["properties"].items() if name not in added
    }

    assert ours == {name: described(each) for name, each in schema(struct)["properties"].items()}


@pytest.mark.parametrize("struct", STRUCTS)
def test_a_field_that_the_schema_does_not_promise_has_a_default(struct: type[msgspec.Struct]) -> None:
    """A promised field may have one too: an older API has no field that was added since."""
    required = {each.encode_name for each in msgspec.structs.fields(struct) if each.required}

    assert required - set(schema(struct)["required"]) == set()


def test_a_field_of_a_newer_api_is_ignored() -> None:
    link = b'{"url": "https://example.test", "text": "", "kind": "a newer kind", "preview": {"title": "Welcome"}}'

    assert msgspec.json.decode(link, type=Link).kind == "a newer kind"


def test_the_kinds_of_links_and_what_a_message_may_have_are_those_of_the_api() -> None:
    assert set(get_args(LinkKind)) == set(SCHEMAS["Link"]["properties"]["kind"]["enum"])
    [has] = [each for each in DOCUMENT["paths"]["/api/inbox/wait"]["get"]["parameters"] if each["name"] == "has"]
    assert set(get_args(Has)) == set(has["schema"]["items"]["enum"])
