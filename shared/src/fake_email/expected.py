"""The values that a type allows, in words, for errors that people read. Pure."""

import msgspec
from msgspec.inspect import (
    BoolType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
)


def in_words(annotation: object) -> str:
    """The values that `annotation` allows, as in "a whole number from 1 to 100"; null is not mentioned."""
    return _words(_bare(msgspec.inspect.type_info(annotation)))


def member(annotation: object, path: str) -> str:
    """The values that a member allows, by its path from a value of `annotation`, as in `mailboxes[0].token`."""
    return _words(_member(annotation, path))


def fields(annotation: object, path: str) -> list[str]:
    """The names of the fields of a member that is an object, by its path as in `member`."""
    found = _member(annotation, path)
    return [field.encode_name for field in found.fields] if isinstance(found, StructType) else []


def _member(annotation: object, path: str) -> Type:
    found = _bare(msgspec.inspect.type_info(annotation))
    for name in filter(None, path.split(".")):
        fields = {field.encode_name: field.type for field in found.fields} if isinstance(found, StructType) else {}
        found = _bare(fields.get(name.partition("[")[0], msgspec.inspect.AnyType()))
        for _ in range(name.count("[")):
            found = _bare(found.item_type) if isinstance(found, ListType) else found
    return found


def _bare(found: Type) -> Type:
    """The type without what is about the document only, and without null."""
    while True:
        match found:
            case Metadata(type=inner):
                found = inner
            case UnionType(types=types):
                found = next(each for each in types if not isinstance(each, NoneType))
            case _:
                return found


def _words(found: Type) -> str:
    words = "a valid value"
    match found:
        case LiteralType(values=choices):
            *others, last = sorted(map(str, choices))
            words = f"one of {', '.join(others)} and {last}"
        case BoolType():
            words = "true or false"
        case IntType(ge=least, le=most):
            words = f"a whole number{_range(least, most)}"
        case FloatType(gt=bound, ge=least, le=most):
            words = f"a number{_range(least, most) if bound is None else f' above {bound:g} and up to {most:g}'}"
        case StrType():
            words = "a string"
        case ListType(item_type=items) if isinstance(_bare(items), LiteralType):
            words = _words(_bare(items))  # of a parameter that may be given several times, each value is one of these
        case ListType(min_length=least, max_length=most):
            words = f"a list of {least or 0} to {most} items" if most else "a list"
        case StructType():
            words = "an object"
    return words


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return ""
    return f" of {least:.15g} or more" if most is None else f" from {least:.15g} to {most:.15g}"
