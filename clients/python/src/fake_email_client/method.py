"""A method that stands once and that mailboxes with and without asyncio have; its body yields calls."""

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from types import MethodType
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar, get_args, overload

from fake_email_client.calls import Steps, T
from fake_email_client.errors import is_for_the_caller

__tracebackhide__ = is_for_the_caller


class Runner(Protocol):
    """An object that makes the calls of some steps."""

    def _run(self, steps: Steps[T], /) -> T | Coroutine[None, None, T]: ...


class Blocking(Protocol):
    """A runner that returns when the calls are done."""

    def _run(self, steps: Steps[T], /) -> T: ...


class Asynchronous(Protocol):
    """A runner whose calls are made when its result is awaited."""

    async def _run(self, steps: Steps[T], /) -> T: ...


P = ParamSpec("P")
R = TypeVar("R", bound=Runner)


class Method(Generic[R, P, T]):
    """A decorator: the method makes the calls of the function and returns its result, or a coroutine for that."""

    def __init__(self, function: Callable[Concatenate[R, P], Steps[T]]) -> None:
        @wraps(function)
        def method(runner: R, /, *args: P.args, **kwargs: P.kwargs) -> object:
            return runner._run(function(runner, *args, **kwargs))  # noqa: SLF001  # no part of a mailbox for users

        # As help() shows it: with the result, instead of the steps.
        signature = inspect.signature(function)
        *_, result = get_args(signature.return_annotation)
        vars(method)["__signature__"] = signature.replace(return_annotation=result)
        self._method = method

    @overload
    def __get__(self, runner: None, kind: type[Blocking]) -> Callable[Concatenate[Blocking, P], T]: ...
    @overload
    def __get__(
        self, runner: None, kind: type[Asynchronous]
    ) -> Callable[Concatenate[Asynchronous, P], Coroutine[None, None, T]]: ...
    @overload
    def __get__(self, runner: Blocking, kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, runner: Asynchronous, kind: type) -> Callable[P, Coroutine[None, None, T]]: ...
    def __get__(self, runner: object, kind: type) -> object:
        return self._method if runner is None else MethodType(self._method, runner)
