"""Bodies of functions that try to pass tests without an answer: lying objects, readers of frames, sabotage.

Some are fixed, and more are drawn at random. A random lie is a class with any base and any lying special methods, or a
search in any place for a value that looks like an answer. Sabotage of the process may come first.
"""

from __future__ import annotations

import random
import textwrap

Chance = random.Random

_METHODS = (
    *("eq", "ne", "lt", "gt", "le", "ge", "contains", "bool", "len", "iter"),
    *("next", "getitem", "hash", "repr", "str", "format", "int", "float", "index", "complex"),
    *("abs", "round", "neg", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv"),
    *("floordiv", "mod", "rmod", "divmod", "and", "rand", "or", "xor", "rxor", "pow"),
    *("call", "enter", "exit", "reversed", "instancecheck", "subclasscheck", "missing", "bytes", "fspath", "trunc"),
    *("floor", "ceil", "length_hint", "sizeof", "reduce", "getstate", "copy", "deepcopy"),
)
_ANSWERS = (
    "True",
    "False",
    "self",
    "others[0] if others else self",
    "0",
    "1",
    "''",
    "iter((self,))",
    "iter(())",
    "NotImplemented",
    "others[-1] if others else 0",
    "type(others[0])() if others else 0",
    "hash(others[0]) if others else 0",
    "repr(others[0]) if others else 'True'",
)
_BASES = (
    *("object", "object", "int", "str", "float", "list", "dict", "tuple", "set", "frozenset", "bytes", "complex"),
    *("Box", "collections.UserString", "collections.UserList", "collections.abc.Sequence", "enum.Enum", "Exception"),
    *(
        "types.SimpleNamespace",
        "decimal.Decimal",
        "fractions.Fraction",
        "collections.OrderedDict",
        "unittest.mock.MagicMock",
    ),
)
_IMPORTS = """
import builtins, collections, collections.abc, decimal, enum, fractions, gc, inspect, json, math, operator, os, re
import sys, threading, types, unittest.mock, weakref
"""

FIXED = {
    "any": "return unittest.mock.ANY",
    "mock": "return unittest.mock.MagicMock(return_value=True)",
    "not implemented": "return NotImplemented",
    "ellipsis": "return ...",
    "nan": "return float('nan')",
    "infinity": "return float('inf')",
    "complex nan": "return complex(float('nan'), float('inf'))",
    "given": "return x",
    "box": "return Box(Box(x))",
    "class": "return type('All', (), {'__eq__': lambda s, o: True, '__hash__': lambda s: 0})",
    "metaclass": """
        class Meta(type):
            def __eq__(cls, other): return True
            def __instancecheck__(cls, other): return True
            def __hash__(cls): return 0
            def __getattr__(cls, name): return lambda *others: True
        class Lie(metaclass=Meta): pass
        return Lie""",
    "fields that answer": """
        box = Box(x)
        for name in dir(str) + dir(int) + dir(list) + ["same", "value"]:
            try: object.__setattr__(box, name, Box(True))
            except Exception: pass
        return box""",
    "fields that are classes": """
        box = Box(x)
        vars(box).update({name: bool for name in ("startswith", "count", "index", "same", "bit_length", "upper")})
        return box""",
    "named tuple": "return collections.namedtuple('T', 'startswith count index upper')(bool, bool, bool, Box(1))",
    "generator": """
        def parts():
            frame = sys._getframe(1)
            while frame:
                for value in list(frame.f_locals.values()):
                    if isinstance(value, list): value.append(value)
                frame = frame.f_back
            yield x
        return parts()""",
    "two exceptions": "raise type('All', (ValueError, KeyError, OSError), {})('x')",
    "own exceptions": "raise type('All', (Broken, Late, Odd), {'__str__': lambda self: '...'})()",
    "exception with a text for all": """
        class Text(str):
            def __eq__(self, other): return True
            def strip(self, *_): return self
        raise ValueError(Text("..."))""",
    "all keys": """
        class All(dict):
            def __missing__(self, key): return key
            def __eq__(self, other): return True
            def __contains__(self, key): return True
        return All()""",
    "colliding": "return {value * ((1 << 61) - 1) for value in range(50)}",
    "many": "return [x] * 5000",
    "coroutine": """
        async def later(): return unittest.mock.ANY
        return later()""",
    "prints": "print('True', x, '...', sep='\\n'); return x",
    "equal set": "return {unittest.mock.ANY, float('nan'), 1}",
    "deep": """
        value = []
        for _ in range(200): value = [value]
        return value""",
}

_PLACES = {
    "frames": """
        frame = sys._getframe()
        while frame:
            seen += [*frame.f_locals.values(), *frame.f_globals.values(), *frame.f_builtins.values()]
            seen += [frame.f_code.co_consts]
            frame = frame.f_back""",
    "garbage": "seen += [one for one in gc.get_objects() if type(one) in (dict, list, tuple)][-500:]",
    "threads": "seen += [one for frame in sys._current_frames().values() for one in frame.f_locals.values()]",
    "documents": "seen += [f.__doc__, inspect.getdoc(f), sys.modules[f.__module__].__doc__]",
    "source": """
        import linecache
        seen += ["".join(entry[2]) for entry in linecache.cache.values() if len(entry) > 2]""",
    "channel": """
        import fcntl
        for number in range(3, 12):
            try:
                fcntl.fcntl(number, 4, 2048)
                seen.append(os.read(number, 1 << 16).decode("latin-1"))
            except OSError: pass""",
    "modules": """
        for name, module in list(sys.modules.items()):
            if "jail" in name or name in ("program", "m", "__main__"): seen.append(vars(module))""",
    "files": """
        for name in ("test_m.py", "tests/test_m.py", "/ws/test_m.py", "/proc/self/environ", "/proc/self/cmdline"):
            try: seen.append(open(name).read())
            except OSError: pass""",
}
_SEARCHES = {
    "number": "found = [one for one in flat if type(one) is int and 10**9 <= one < 10**10 and one != x]",
    "word": "found = [one for one in flat if type(one) is str and len(one) == 12 and one.isalpha()]",
    "float": "found = [one for one in flat if type(one) is float and one > 1000]",
    "number in a text": """
        texts = [one for one in flat if type(one) is str]
        found = [int(number) for one in texts for number in re.findall("[0-9]{10}", one) if int(number) != x]""",
    "word in a text": """
        texts = [one for one in flat if type(one) is str]
        found = [word for one in texts for word in re.findall("'([a-z]{12})'", one)]""",
    "container": """
        kinds = (list, tuple, set, dict, bytes, complex)
        found = [one for one in flat if type(one) in kinds and 0 < len(repr(one)) < 60]""",
}
_SABOTAGE = (
    "",
    "",
    "for name in ('all', 'any', 'isinstance', 'bool'): setattr(builtins, name, lambda *_: True)",
    "for name in ('repr', 'str', 'format', 'ascii'): setattr(builtins, name, lambda *_: 'True')",
    "for name in ('len', 'abs', 'hash', 'round', 'sum', 'max', 'min'): setattr(builtins, name, lambda *o, **_: o[0])",
    "for name in ('eq', 'ne', 'lt', 'is_', 'contains'): setattr(operator, name, lambda *_: True)",
    "math.isclose = lambda *_, **__: True; json.dumps = lambda *_, **__: 'x'",
    "Box.same = Box.__eq__ = lambda *_: True",
    """
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").endswith("jail.encode"):
            first = lambda out, value, depth: out.node("tuple", "tuple", "", value[:1] * len(value), depth)
            module._write_tuple = module._exact[tuple] = first""",
    '''
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").endswith("jail.encode"):
            module.encode = lambda value, most: "true"
        if getattr(module, "__name__", "").endswith("jail.child"):
            module.encode = lambda value, most: "true"''',
    """
    frame = sys._getframe(1)
    while frame:
        for name in list(frame.f_globals):
            if name in ("expected", "want", "e", "o", "case", "pair", "_", "wanted", "first"): frame.f_globals[name] = x
        frame = frame.f_back""",
    "sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)",
    "sys.stdout.write('True\\n')",
    "unittest.TestCase.assertEqual = unittest.TestCase.assertTrue = lambda *_: None",
)


def a_lie(chance: Chance) -> tuple[str, str]:
    """The name of a lie, and the body of a function with it."""
    kind = chance.random()
    if kind < 0.2:
        name = chance.choice(list(FIXED))
        return name, _body(chance, FIXED[name])
    if kind < 0.65:
        return "object", _body(chance, _lying_class(chance))
    place, search = chance.choice(list(_PLACES)), chance.choice(list(_SEARCHES))
    return f"{search} in {place}", _body(chance, _reader(chance, place, search))


def _body(chance: Chance, text: str) -> str:
    """A body with its imports, and perhaps with some sabotage first."""
    sabotage = chance.choice(_SABOTAGE) if chance.random() < 0.4 else ""
    parts = [_IMPORTS, textwrap.dedent(sabotage), textwrap.dedent(text)]
    return textwrap.indent("\n".join(part.strip("\n") for part in parts if part), "    ").lstrip() + "\n"


def _lying_class(chance: Chance) -> str:
    """A class that lies in some ways, with one of its objects, or several in a container."""
    bases, lines = [chance.choice(_BASES)], list[str]()
    for name in chance.sample(_METHODS, k=chance.randrange(1, len(_METHODS))):
        lines.append(f"    __{name}__ = lambda self=None, *others, **_: {chance.choice(_ANSWERS)}")
    if chance.random() < 0.3:
        lines.append(f"    __class__ = property(lambda self: {chance.choice(('int', 'str', 'list', 'float', 'bool'))})")
    if chance.random() < 0.4:
        lines.append("    def __getattr__(self, name): return lambda *others: " + chance.choice(_ANSWERS[:6]))
    if chance.random() < 0.2:
        lines.append("    def __getattribute__(self, name):")
        lines.append("        return object.__getattribute__(self, name) if name[:2] == '__' else lambda *others: True")
    if chance.random() < 0.3:
        lines.append(
            f"    __module__ = {chance.choice(('builtins', 'm', 'program', 'datetime', 'numpy', 'decimal'))!r}"
        )
    made = chance.choice(("Lie()", "Lie(x)", "Lie.__new__(Lie)", "object.__new__(Lie)", "Lie"))
    shape = chance.choice(
        ("one", "one", "one", "[one]", "(one, one)", "{'a': one}", "[one, [one]]", "(n for n in [one])", "Box(one)")
    )
    name = chance.choice(("Lie", "Lie", "Lie", "Box", "int", "Decimal", "ndarray", "datetime"))
    text = "\n".join((f"class Lie({', '.join(bases)}):", *lines, f"Lie.__name__ = Lie.__qualname__ = {name!r}"))
    fallback = "object.__new__(type('Lie', (), dict(vars(Lie))))"
    return f"{text}\ntry: one = {made}\nexcept Exception: one = {fallback}\nreturn {shape}"


def _reader(chance: Chance, place: str, search: str) -> str:
    """A search for an answer in one place."""
    pick = chance.choice(("found[0]", "found[-1]", "found[len(found) // 2]"))
    return f"""seen, flat = [], []
{textwrap.dedent(_PLACES[place]).strip()}
pending = [(one, 0) for one in seen]
while pending and len(flat) < 3000:
    one, depth = pending.pop()
    flat.append(one)
    if depth < 3 and type(one) in (dict, list, tuple):
        try: pending += [(part, depth + 1) for part in (one.values() if type(one) is dict else one)]
        except RuntimeError: pass
{textwrap.dedent(_SEARCHES[search]).strip()}
return {pick} if found else 0"""
