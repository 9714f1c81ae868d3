"""Which candidates are plain enough that a test is believed that runs beside them."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

import pytest

from plum_lsp.python.screening.plain import refusal

FILE = """\
import json
import os
import sys
from pkg import other

LIMIT = 3
KINDS = {}


class Box:
    def __init__(self, items):
        self.items = items

    def total(self, n, row=None):
        «hole»


def helper(n):
    for row in n:
        n = row
    return n
"""
OPEN_OWN = FILE.replace("    return n\n", "    return getattr(n, LIMIT), sys.modules\n")
"""The file's own code reaches what most files do not."""


def refused(body: str, file: str = FILE) -> str:
    """Why a body of the method in the file is refused."""
    before, after = file.split("«hole»")
    text = textwrap.indent(textwrap.dedent(body).strip("\n"), "        ").lstrip()
    first = before.count("\n") + 1
    return refusal(before + text + after, first_line=first, last_line=first + text.count("\n"))


@pytest.mark.parametrize(
    "body",
    [
        "return sum(item.price for item in self.items if item.price > LIMIT)",
        "import math\nreturn math.floor(n) + helper(n)",
        "with open(os.path.join(n, 'a.txt')) as file:\n    return json.load(file)",
        "self.items.append(n)\nself.kind = type(n).__name__\nreturn isinstance(n, type)",
        "def inner(m):\n    m.seen = True\n    return m\n\nreturn inner(n)",
        "try:\n    return self.items[n]\nexcept KeyError as error:\n    raise ValueError(n) from error",
        "return [getattr(one, 'name', None) for one in sorted(self.items, key=lambda one: one.rank)]",
        "from dataclasses import replace\nreturn replace(self, items=[*self.items, n])",
        "print(n, file=sys.stderr)\nreturn sys.maxsize",
        "return sys.pypy_version_info.releaselevel, sys.prefix",
        "return super().__init__(n) or f'{n!r:>{LIMIT}}'",
        "node = self.items\nwhile node.next:\n    node = node.next\nnode.next = n\nreturn f'{n:>3}'",
        "match n:\n    case [first, *rest]:\n        return first\nreturn '{} of {}'.format(n, LIMIT)",
        "pair = self.items[0]._replace(a=n)\nself._last = pair._asdict()\nreturn pair._fields",
        "import logging\nreturn logging.Formatter('%(message)s', n).usesTime()",
        "import dataclasses\nreturn dataclasses.replace(self, **n)",
        "os.environ['HOME'] = n\nreturn os.environ.pop('HOME')",
        "from collections import OrderedDict\nfound = OrderedDict()\nfound.update(n)\nreturn found",
        "nodes = [n]\nwhile nodes:\n    node = nodes.pop()\n    node.parent = self\nreturn n",
        "return type(self)(self.items.total(n))",
        "from os import O_RDONLY\nreturn O_RDONLY | os.EX_OK or sys.exec_prefix",
        "return hasattr(n, '__iter__') and not getattr(n, '__len__', None)",
        "raise TypeError('%s is no %s' % (type(self.items), 'number') + str(type(self.items)))",
        "raise TypeError('{} is no number'.format(type(self.items)))",
        "kind = type(row)\nreturn kind is list",
        "self.items['__shop_start__'] = n\nreturn self.items.pop('__shop_end__', None)",
        "try:\n    return self.total(n)\nexcept BaseException:\n    self.items.fail(sys.exc_info())",
        "from sys import exc_info\nreturn exc_info()[1]",
        "box = Box(n)\nbox.owner = self\nreturn isinstance(n, (Box, list))",
        "import math\nn.angle = math.pi / 2\nreturn n",
        "from operator import add\nn.sum = reduce(add, n.items)",
        "try:\n    return n[0]\nexcept Box as error:\n    error.place = n\n    raise Box from error",
        "found: dict[str, Box] = defaultdict(Box)\nfound[n].count = 1\nreturn found",
        "n.kind = Kind.LEAF\nn.next.kind = 1\nreturn n",
        "cls.seen = n\nreturn n",
    ],
)
def test_ordinary_bodies_are_plain(body: str) -> None:
    """What people write all day is run beside tests."""
    assert refused(body) == ""


@pytest.mark.parametrize(
    "body",
    [
        "import gc\nreturn gc.get_objects()",
        "return sys.modules['tests.test_core'].EXPECTED",
        "return sys._getframe(1).f_locals['expected']",
        "frame = next(iter([])).gi_frame\nreturn frame",
        "raise ValueError().with_traceback(None)",
        "return ().__class__.__base__.__subclasses__()",
        "return print.__self__.eval('1')",
        "return self.total.__globals__",
        "return helper.__code__.co_consts",
        "helper.__code__ = self.total.__code__",
        "return getattr(n, '__glo' + 'bals__')",
        "return getattr(n, '__globals__')",
        "return eval('n')",
        "return __import__('pytest')",
        "from unittest.mock import ANY\nreturn ANY",
        "from importlib import import_module\nreturn import_module('tests.test_core')",
        "from tests.test_core import EXPECTED\nreturn EXPECTED",
        "from . import conftest\nreturn conftest",
        "json.dumps = lambda value: 'x'",
        "setattr(json, 'dumps', helper)",
        "other.check = helper",
        "Box.__eq__ = lambda self, other: True",
        "Box.total = helper",
        "type(self).__eq__ = lambda self, other: True",
        "type(n).total = helper",
        "self.__class__ = Box",
        "module = json\nmodule.dumps = helper",
        "class Same:\n    def __eq__(self, other):\n        return True\n\nreturn Same()",
        "class Any(ValueError, KeyError):\n    pass\n\nraise Any",
        "return type('Same', (), {'__eq__': lambda self, other: True})()",
        "return type(type(n))('Same', (), {})()",
        "from itertools import starmap\nreturn next(starmap(type, [n]))",
        "from operator import attrgetter\nreturn attrgetter('__glo' + 'bals__')(helper)",
        "out = sys.stdout\nout.getvalue = lambda: 'x'\nreturn n",
        "n.assert_called_once_with = helper",
        "n.call_count = 1",
        "os._exit(0)",
        "open(3, 'wb').write(b'')",
        "open(1 + 2, 'wb')",
        "global LIMIT\nLIMIT = 4",
        "return json.decoder.sys",
        "return os.sys",
        "import random\nreturn random._os",
        "import builtins\nbuiltins.len = helper",
        "import pytest\npytest.skip('')",
        "import inspect\nreturn inspect.stack()",
        "import threading\nthreading.Thread(target=helper).start()",
        "return globals()['LIMIT']",
        "return list(map(getattr, n, n))",
        "match n:\n    case Exception(__traceback__=object(tb_frame=found)):\n        return found",
        "match n:\n    case object(f_locals=names):\n        return names",
        "from operator import attrgetter\nreturn attrgetter('gi_frame.f_back.f_code')(n)",
        "return '{0.gi_frame.f_back.f_code}'.format(n)",
        "return ('{0.gi_' + 'frame}').format(n)",
        "write = self.items.format\nreturn write(n)",
        "from operator import attrgetter as look\nreturn look('gi_fr' + 'ame')(n)",
        "import operator\nlook = operator.attrgetter\nreturn look('gi_fr' + 'ame')(n)",
        "import dataclasses\nreturn dataclasses.make_dataclass('A', [], namespace={'__e' + 'q__': helper})()",
        "from abc import ABCMeta as make\nreturn make('A', (), {})()",
        "import enum\nreturn enum.Enum('A', {'one': 1}).one",
        "kind = type(n)\nmeta = type(kind)\nreturn meta('A', (), {})()",
        "from collections import _sys as s\nreturn s.modules",
        "from random import _os as s\ns._exit(0)",
        "kind = type(self)\nkind.total = helper",
        "self.__class__.total = helper",
        "encoder = json.JSONEncoder\nencoder.default = helper",
        "first = json.JSONEncoder\nsecond = first\nsecond.default = helper",
        "return type(n)('Same', (), {}) if n else n.total(int)",
        "self.items = Box\nself.items.total(self, int)\nreturn type(n)('Same', (), {})",
        "self.__dict__['items'] = Box\nself.items.total(self, int)\nreturn type(n)('Same', (), {})",
        "self = Box\nself.total(self, int)\nreturn type(n)('Same', (), {})",
        "(lambda self: self.total(self, int))(Box)\nreturn type(n)('Same', (), {})",
        "import signal\nsignal.SIGTERM = n",
        "import signal\nreturn signal.signal(signal.SIGTERM, helper)",
        "return self.items['__test__'] or sys.path",
        "hasattr = setattr\nhasattr(Box, '__eq__', helper)",
        "setattr(n, '__eq__', helper)",
        "return hasattr(n, 'gi_frame')",
        "row = type(row)\nreturn type(row)('Same', (), {})",
        "from functools import partial as str\nreturn str(type(self.items))('Same', (), {})",
        "str = list\nreturn str(type(self.items))",
        "return sys.exc_info()[2].tb_frame.f_back",
        "return sys.exc_info()[2].tb_next",
        "_, error, _ = sys.exc_info()\nreturn error.__traceback__",
        "kind, _, _ = sys.exc_info()\nkind.code = helper",
        "sys.exc_info()[0].code = helper",
        "from sys import exc_info\nself = exc_info()[0]\nself.code = helper",
        "kind = sys.exc_info()[0]\nsetattr(kind, 'code', helper)",
        "kind = sys.exc_info()[0]\nobject.__setattr__(kind, 'code', helper)",
        "look = sys.exc_info\ndelattr(look()[0], 'code')",
        "return sys.exc_info()[0].__class__('Same', (), {})",
        "return type(sys.exc_info()[0])('Same', (), {})",
        "sys.exc_info = helper",
        "[Box][0].total = helper",
        "setattr([Box][0], 'total', helper)",
        "def change(one):\n    one.total = helper\n\nchange(Box)",
        "(lambda one: setattr(one, 'total', helper))(Box)",
        "for one in [Box]:\n    one.total = helper",
        "one, _ = Box, 1\none.total = helper",
        "next(iter({Box})).total = helper",
        "max(Box, key=id).total = helper",
        "self = [Box][0]\nself.total = helper",
        "Box.__mro__[0].total = helper",
        "Box.mro()[0].total = helper",
        "match Box:\n    case one:\n        one.total = helper",
        "isinstance(n, (kinds := (Box,)))\nkinds[0].total = helper",
        "[other][0].check = helper",
        "[json.JSONEncoder][0].default = helper",
        "from decimal import Context\n[json.JSONDecoder, Context][0].decode = helper",
        "import uuid\n[uuid.UUID][0].hex = helper",
        "self.items = Box\nself.items.total = helper",
        "KINDS['box'].total = helper",
        "KINDS.get('box').total = helper",
        "kind = KINDS['box']\nkind.total = helper",
        "for kind in KINDS.values():\n    kind.total = helper",
        "[cls] = [Box]\ncls.total = helper",
        "cls.total = helper",
        "del [Box][0].total",
        "[Box][0].total += 1",
    ],
)
def test_what_reaches_further_is_refused(body: str) -> None:
    """Interpreter, frames, modules, descriptors, test machinery, and objects that lie are out of reach."""
    assert refused(body) != ""


def test_what_the_file_does_itself_is_no_reason() -> None:
    """A file that computes names of attributes may be filled with code that does."""
    assert refused("return getattr(n, self.items)") != ""
    assert refused("return getattr(n, self.items)", OPEN_OWN) == ""
    assert refused("return sys.modules", OPEN_OWN) == ""


@pytest.mark.parametrize(
    "body", ["return n._items", "return n._first()", "return self._items == n._items", "return Box._LAST + n._size"]
)
def test_what_is_private_to_the_file_is_its_own(body: str) -> None:
    """Another object of the class has the attributes and methods that the file itself defines or uses."""
    owning = FILE.replace("self.items = items", "self._items = items") + "\n\ndef _first():\n    return 1\n"
    owning = owning.replace("class Box:\n", "class Box:\n    _LAST: int = 1\n    _size = 2\n")
    assert refused(body, owning) == ""
    assert refused(body) != ""
    assert refused("return n._stream", owning) != ""


def test_lies_are_refused_whatever_the_file_does() -> None:
    """That a file has comparisons of its own does not let a candidate make an object that equals all."""
    file = FILE + "\n\nclass Version:\n    def __eq__(self, other):\n        return True\n"
    assert refused("class Same:\n    def __eq__(self, other):\n        return True\n\nreturn Same()", file) != ""


def test_special_names_of_the_project_are_its_own() -> None:
    """They may be used where the file itself uses them. Names that Python or tests know may not."""
    bodies = ("n.__shop_params__ = []", "return hasattr(n, '__shop_params__')", "return n.__shop_params__")
    owning = FILE.replace("    return n\n", "    del n.__shop_params__\n")
    assert [refused(body, owning) for body in bodies] == ["", "", ""]
    assert all(refused(body) for body in bodies)
    for name in ("__unittest_skip__", "__class__", "__pytest_wrapped__", "__del__", "__code__", "__test__"):
        assert refused(f"n.{name} = 1", FILE.replace("    return n\n", f"    del n.{name}\n")), name


def test_the_file_around_a_candidate_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is read again for each candidate, so each further walk over it delays the answer."""
    walked: list[ast.AST] = []
    plain = ast.walk

    def counted(node: ast.AST) -> Iterator[ast.AST]:
        walked.append(node)
        return plain(node)

    monkeypatch.setattr(ast, "walk", counted)
    assert refused("self.items.append(n)\nreturn LIMIT") == ""
    assert not any(isinstance(node, ast.Module) for node in walked)
