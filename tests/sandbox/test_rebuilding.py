"""What a predicate's child makes of a candidate's data: known constructors and the program's own classes, no more."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import pathlib
import types
import uuid
import zoneinfo
from typing import Any
from unittest import mock

import pytest

from plum_lsp.domain.verification import Node, Value
from plum_lsp.sandbox import literals, values
from plum_lsp.sandbox.jail.decode import CannotRebuild, rebuild
from plum_lsp.sandbox.jail.encode import encode

HOUR = datetime.timedelta(hours=-1)


class Oops(Exception):
    """An exception of the program under test."""


class Permission(enum.Flag):
    """Has a member without a name."""

    READ = 1


def sent(value: Any) -> Value:
    """A value as the host sees it."""
    return values.decode(values.parse(encode(value, 1 << 16).encode()))


def rebuilt(value: Value, module: dict[str, Any] | None = None) -> Any:
    """A decoded value as a predicate sees it."""
    return rebuild(json.loads(json.dumps(values.encode(value))), module or {})


@pytest.mark.parametrize(
    "value",
    [
        decimal.Decimal("1.50"),
        fractions.Fraction(-1, 3),
        fractions.Fraction(10**500, 3),
        datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.timezone(HOUR, "x")),
        datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
        datetime.datetime(2020, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
        datetime.time(1, 2, fold=1),
        HOUR,
        pathlib.PureWindowsPath("a"),
        pathlib.PurePosixPath("/a\"'b"),
        ipaddress.ip_network("10.0.0.0/8"),
        uuid.UUID(int=3),
    ],
    ids=repr,
)
def test_a_literal_is_built_again(value: Any) -> None:
    """From constants, without evaluating its text."""
    back = rebuilt(sent(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "[].append(1)",
        "().__class__.__base__.__subclasses__()",
        "Decimal(open('/etc/passwd').read())",
        "Decimal(**{})",
        "Decimal(*[1])",
        "Decimal.from_float(1)",
        "Decimal('1') if 1 else 2",
        "Fraction(1, 2)",
        "Decimal(" + "-" * 5_900 + "1)",
        "(" * 5_900,
        "",
    ],
    ids=lambda text: text[:30],
)
def test_any_other_text_is_refused_on_the_trusted_side(text: str) -> None:
    """Whatever class it claims; it never reaches the predicate's child."""
    with pytest.raises(literals.UnknownLiteral):
        values.encode(Node(kind="literal", type_name="Decimal", items=(text,), text=text))


def test_the_child_knows_constructors_by_table_alone() -> None:
    """Even were the trusted side to send something else."""
    with pytest.raises(CannotRebuild):
        rebuild(["n", "literal", "builtins.eval", "", ["1"]], {})


def test_a_class_is_not_reached_through_a_module() -> None:
    """A qualified name of the candidate's choice finds no class that equals everything."""
    program = {"__name__": "program", "mock": mock, "_ANY": type(mock.ANY)}
    for name in ("mock._ANY", "_ANY"):
        back = rebuilt(Node(kind="object", type_name=name, items=("a", 1)), program)
        assert type(back) is types.SimpleNamespace
        assert back != 5


def test_a_class_is_not_exchanged_through_an_attribute() -> None:
    """Attributes that say what an object is are not the candidate's to set."""
    with pytest.raises(CannotRebuild):
        rebuilt(
            Node(kind="object", type_name="Thing", items=("__class__", Node(kind="type", type_name="int", items=())))
        )


BOOL = Node(kind="type", type_name="bool", items=())


@pytest.mark.parametrize(
    "value",
    [
        Node(kind="object", type_name="A", items=("startswith", BOOL)),
        Node(kind="dataclass", type_name="A", items=("startswith", BOOL)),
        Node(kind="namedtuple", type_name="A", items=(BOOL,), text="startswith"),
        Node(kind="list", type_name="list", items=(Node(kind="object", type_name="A", items=("strip", BOOL)),)),
    ],
    ids=["object", "dataclass", "namedtuple", "inner"],
)
def test_no_field_stands_in_for_a_method(value: Node) -> None:
    """`_.startswith("a")` with the class `bool` for `startswith` would be true of everything."""
    with pytest.raises(CannotRebuild):
        rebuilt(value)


class Yes:
    """A class of the program under test whose instances can be called."""

    def __call__(self, *_: object) -> bool:
        """True, whatever the question."""
        return True


@pytest.mark.parametrize(("kind", "text"), [("object", ""), ("dataclass", ""), ("namedtuple", "startswith")])
def test_no_callable_object_stands_in_for_a_method(kind: str, text: str) -> None:
    """`_.startswith("a")` with an instance of the program's own class for `startswith` neither."""
    items = (Node(kind="object", type_name="Yes", items=("a", 1)),)
    value = Node(kind=kind, type_name="A", items=items if text else ("startswith", *items), text=text)
    with pytest.raises(CannotRebuild):
        rebuilt(value, {"__name__": __name__, "Yes": Yes})


class Account:
    """A class of the program under test, with behaviour of its own."""

    __slots__ = ("__dict__", "owner")
    limit = 5

    def is_open(self) -> bool:
        """What a candidate would like to answer itself."""
        return False

    @property
    def total(self) -> int:
        """The same, without a call."""
        return 1


def test_no_attribute_hides_what_the_programs_class_says() -> None:
    """Methods and properties are the class's; slots and defaults are the object's."""
    program = {"__name__": __name__, "Account": Account}
    for name in ("is_open", "total"):
        with pytest.raises(CannotRebuild):
            rebuilt(Node(kind="object", type_name="Account", items=(name, 1)), program)
    account = rebuilt(Node(kind="object", type_name="Account", items=("owner", "me", "limit", 6)), program)
    assert (account.owner, account.limit, account.is_open(), account.total) == ("me", 6, False, 1)


def test_the_programs_own_things_are_built() -> None:
    """Its exceptions, flags without a name and classes themselves."""
    program = {"__name__": __name__, "Oops": Oops, "Permission": Permission}
    error = rebuilt(sent(Oops("a", 1)), program)
    assert type(error) is Oops
    assert error.args == ("a", 1)
    assert rebuilt(sent(Permission.READ), program) is Permission.READ
    assert rebuilt(sent(Oops), program) is Oops
    assert rebuilt(sent(int), program) is int
