"""Finds the import that a candidate lacks: from the standard library, the project's other files, or its packages.

A name is resolved only if one import fits. The program that is run has the import, and the offer brings it along. Code
of the project is not executed for this. Modules of the standard library are.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from plum_lsp.domain.suggestion import Candidate, Context, HoleKind
from plum_lsp.python.fitting.candidates import UNDEFINED
from plum_lsp.python.fitting.static import inserted, names_without_definition, parse
from plum_lsp.python.fitting.weakness import weakness_of
from plum_lsp.python.reading.import_lines import imported_by, new_imports

_WORD = re.compile(r"[^\W\d]\w*")
IMPORTS_MAX = 6
"""A candidate with more unknown names is not code for this file."""
_MODULES = frozenset(
    [
        "abc",
        "argparse",
        "array",
        "ast",
        "asyncio",
        "base64",
        "bisect",
        "calendar",
        "cmath",
        "collections",
        "concurrent",
        "configparser",
        "contextlib",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fnmatch",
        "fractions",
        "functools",
        "glob",
        "gzip",
        "hashlib",
        "heapq",
        "hmac",
        "html",
        "importlib",
        "inspect",
        "io",
        "itertools",
        "json",
        "keyword",
        "locale",
        "logging",
        "math",
        "numbers",
        "operator",
        "os",
        "pathlib",
        "pickle",
        "platform",
        "pprint",
        "queue",
        "random",
        "re",
        "secrets",
        "shlex",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "statistics",
        "string",
        "struct",
        "subprocess",
        "sys",
        "tempfile",
        "textwrap",
        "threading",
        "time",
        "timeit",
        "tokenize",
        "traceback",
        "types",
        "typing",
        "unicodedata",
        "urllib",
        "uuid",
        "warnings",
        "weakref",
        "xml",
        "zipfile",
        "zlib",
    ]
)
"""Modules that people import by their names alone."""
_NAMES = {
    "abc": "ABC ABCMeta abstractmethod",
    "bisect": "bisect_left bisect_right insort insort_left insort_right",
    "collections": "ChainMap Counter OrderedDict UserDict UserList defaultdict deque namedtuple",
    "contextlib": (
        "AsyncExitStack ExitStack asynccontextmanager closing contextmanager nullcontext redirect_stdout suppress"
    ),
    "copy": "deepcopy",
    "dataclasses": "asdict astuple dataclass is_dataclass",
    "datetime": "timedelta timezone",
    "decimal": "Decimal ROUND_HALF_EVEN ROUND_HALF_UP",
    "enum": "Enum IntEnum IntFlag StrEnum",
    "fractions": "Fraction",
    "functools": (
        "cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch total_ordering wraps"
    ),
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "io": "BytesIO StringIO",
    "itertools": (
        "accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile "
        "filterfalse groupby islice pairwise permutations product starmap takewhile tee zip_longest"
    ),
    "math": "ceil factorial floor gcd hypot isclose isqrt lcm",
    "operator": "attrgetter itemgetter methodcaller",
    "pathlib": "Path PurePath PurePosixPath",
    "statistics": "fmean mean median pstdev stdev",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits punctuation",
    "textwrap": "dedent indent",
    "typing": (
        "Any Callable ClassVar Dict Final FrozenSet Generic Iterable Iterator List Literal Mapping NamedTuple Optional "
        "Protocol Sequence Set Tuple TypeVar TypedDict Union cast overload"
    ),
    "urllib.parse": "parse_qs quote quote_plus unquote urlencode urljoin urlparse urlsplit",
    "uuid": "UUID uuid4",
}
_MEMBERS = {name: f"from {module} import {name}" for module, names in _NAMES.items() for name in names.split()}
"""Names that one module of the standard library is meant by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImports:
    """What a project tells of names: how its other files import them, and the packages of its environment.

    A name that its files import in several ways maps to an empty text.
    """

    statements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    packages: frozenset[str] = frozenset()


def repaired(candidate: Candidate, context: Context, known: KnownImports, *, beside: bool) -> Candidate:
    """The candidate with the imports that it lacks. Unchanged if it lacks none, or if a name cannot be resolved.

    Args:
        beside: whether the editor can write imports at the top of the file. Else they go to the top of the body.
    """
    is_undefined = candidate.problem.startswith(UNDEFINED)
    if not is_undefined and (candidate.problem or not _may_lack(candidate.text, context, known)):
        return candidate
    tree = parse(context.before + candidate.text + context.after)
    if isinstance(tree, str):
        return candidate
    place = inserted(context.before, candidate.text)
    names, elsewhere = names_without_definition(tree, place)
    found = {name: _import_of(name, _uses(tree, name), known) for name in names}
    statements = tuple(dict.fromkeys(filter(None, found.values())))
    is_complete = all(found[name] or name in elsewhere for name in names)
    if not statements or len(statements) > IMPORTS_MAX or (is_undefined and not is_complete):
        return candidate
    if is_undefined:
        candidate = replace(candidate, weakness=weakness_of(tree, candidate.text, place))
    if beside and new_imports(context.before, statements) is not None:
        return replace(candidate, imports=statements, problem="")
    text = with_imports_inside(candidate.text, statements, context)
    return candidate if text is None else replace(candidate, text=text, problem="")


def _may_lack(text: str, context: Context, known: KnownImports) -> bool:
    """Whether a text names something that could be imported and is not. The code around it may name it, too."""
    names = {name for name in _WORD.findall(text) if name in _MEMBERS or name in _MODULES or name in known.statements}
    return bool(names) and bool(names - {name for name, _ in imported_by(context.before + context.after)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uses:
    """How a name is used: the attributes that are read of it, and whether it is also used in another way."""

    attributes: frozenset[str]
    is_bare: bool


def _uses(tree: ast.Module, name: str) -> _Uses:
    attributes, owners, places = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            attributes.add(node.attr)
            owners.add(id(node.value))
        elif isinstance(node, ast.Name) and node.id == name:
            places.add(id(node))
    return _Uses(attributes=frozenset(attributes), is_bare=bool(places - owners))


def _import_of(name: str, uses: _Uses, known: KnownImports) -> str:
    """The one statement that imports a name. Empty if there is none, or if there are several."""
    stated = known.statements.get(name)
    if stated is not None:
        return stated
    if name in {"datetime", "date"}:
        return _of_datetime(name, uses)
    if name in _MEMBERS:
        return _MEMBERS[name]
    if name in _MODULES and not uses.is_bare:
        return _of_module(name, uses.attributes)
    alias = {"np": "numpy", "pd": "pandas"}.get(name)
    if alias in known.packages:
        return f"import {alias} as {name}"
    return f"import {name}" if name in known.packages and not uses.is_bare else ""


def _of_datetime(name: str, uses: _Uses) -> str:
    """`datetime` is a module and a class of it. The attributes tell which is meant."""
    module = importlib.import_module("datetime")
    as_class = all(hasattr(getattr(module, name), attribute) for attribute in uses.attributes)
    as_module = name == "datetime" and not uses.is_bare and all(hasattr(module, one) for one in uses.attributes)
    if as_class == as_module:
        return ""
    return f"from datetime import {name}" if as_class else "import datetime"


def _of_module(name: str, attributes: frozenset[str]) -> str:
    """The import of a module of the standard library that has these attributes. One of them may be a module in it."""
    module = importlib.import_module(name)
    missing = [attribute for attribute in attributes if not hasattr(module, attribute)]
    inner = [one for one in attributes if hasattr(module, "__path__") and importlib.util.find_spec(f"{name}.{one}")]
    if not missing and not inner:
        return f"import {name}"
    return f"import {name}.{inner[0]}" if len(attributes) == len(inner) == 1 else f"import {name}" * (not missing)


def with_imports_inside(text: str, statements: Sequence[str], context: Context) -> str | None:
    """The text of whole lines with the imports above its first statement. None in the middle of a line."""
    if context.block.kind not in {HoleKind.BODY, HoleKind.BLOCK}:
        return None
    lead = text[: len(text) - len(text.lstrip())]
    lines = "".join(f"{statement}\n{context.block.indent}" for statement in statements)
    made = lead + lines + text[len(lead) :]
    return made if isinstance(parse(context.before + made + context.after), ast.Module) else None
