"""Detects the effects of a function: files, clock, randomness, network, databases, other programs, user input.

It reads the program's text and follows calls to other functions of the buffer. An effect with a deterministic stand-in
gets a prelude (`stand_ins`), which runs in the candidate's own child. For other effects, a run shows only that the
function runs. Pure: it takes the text of a program and returns a program. It does not see a name that is computed at
run time.
"""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from plum_lsp.domain.verification import Call, Program
from plum_lsp.python.reading.quiet import shared_nodes
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.syntax import nodes_of


class Effect(enum.Enum):
    """A part of the world that a function depends on or changes."""

    FILES = "files"
    CLOCK = "clock"
    RANDOMNESS = "randomness"
    ENVIRONMENT = "environment"
    INPUT = "input"
    NETWORK = "network"
    DATABASE = "database"
    SUBPROCESS = "subprocess"

    @property
    def has_stand_in(self) -> bool:
        """Whether the sandbox can replace this part of the world with the same stand-in for every candidate."""
        return self not in {Effect.NETWORK, Effect.DATABASE, Effect.SUBPROCESS}


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFound:
    """One effect and the place where it was first seen.

    `reason` is text for users, such as "`time.time` in `stamp`".
    """

    effect: Effect
    reason: str


_PREFIXES: tuple[tuple[Effect, tuple[str, ...]], ...] = (
    (
        Effect.NETWORK,
        (
            *("socket", "urllib.request", "http.client", "requests", "httpx", "aiohttp", "smtplib", "ftplib"),
            *("paramiko", "websockets", "urllib3", "xmlrpc", "boto3", "imaplib", "poplib", "telnetlib"),
        ),
    ),
    (
        Effect.DATABASE,
        (
            *("sqlite3", "psycopg2", "psycopg", "sqlalchemy", "pymongo", "redis", "pymysql", "MySQLdb", "asyncpg"),
            *("mysql", "dbm", "shelve", "duckdb", "django.db", "peewee"),
        ),
    ),
    (
        Effect.SUBPROCESS,
        (
            *("subprocess", "os.system", "os.popen", "os.fork", "os.kill", "multiprocessing", "pexpect"),
            *(f"os.{verb}{kind}" for verb in ("exec", "spawn") for kind in ("l", "le", "lp", "v", "ve", "vp", "vpe")),
        ),
    ),
    (Effect.RANDOMNESS, ("random", "secrets", "numpy.random", "os.urandom", "uuid.uuid1", "uuid.uuid4")),
    (
        Effect.CLOCK,
        (
            *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "perf_counter", "process_time", "sleep")),
            *(
                "time.localtime",
                "time.gmtime",
                "time.ctime",
                "time.strftime",
                "time.monotonic_ns",
                "time.perf_counter_ns",
            ),
            *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
            "datetime.date.today",
        ),
    ),
    (
        Effect.FILES,
        (
            *("open", "io.open", "shutil", "tempfile", "glob.glob", "glob.iglob", "fileinput", "codecs.open"),
            *(f"os.{name}" for name in ("listdir", "scandir", "walk", "remove", "unlink", "rename", "replace", "stat")),
            *(f"os.{name}" for name in ("mkdir", "makedirs", "rmdir", "removedirs", "chmod", "access")),
            *(f"os.path.{name}" for name in ("exists", "isfile", "isdir", "getsize", "getmtime", "islink")),
        ),
    ),
    (
        Effect.ENVIRONMENT,
        (
            "os.environ",
            "os.getenv",
            "sys.argv",
            "os.getcwd",
            "os.getlogin",
            "getpass.getuser",
            "platform",
            "os.cpu_count",
        ),
    ),
    (Effect.INPUT, ("input", "sys.stdin", "getpass.getpass")),
)
_PATH_METHODS = frozenset(
    {
        *("read_text", "write_text", "read_bytes", "write_bytes", "iterdir", "rglob", "unlink", "touch", "is_file"),
        *("is_dir", "mkdir", "rmdir"),
    }
)
"""Methods that only paths have. `open`, `exists`, `glob` and similar names are too common."""
_HARMLESS = frozenset({
    "random.Random", "sqlite3.Row", "urllib.request.Request", "socket.inet_aton", "socket.inet_ntoa",
    "socket.inet_pton", "socket.inet_ntop", "socket.htonl", "socket.htons", "socket.ntohl", "socket.ntohs",
})  # fmt: skip
"""Names of such modules that only compute."""
_BY_NAME = {name: effect for effect, names in _PREFIXES for name in names}
FUNCTIONS_MAX = 200
"""The most functions that are followed."""


@lru_cache(maxsize=256)
def effects_of(program: Program, *names: str) -> tuple[EffectFound, ...]:
    """The effects of functions (bare names) and of those they reach, one of each kind, in the order found.

    If several functions have an effect, the reason is that of the last. Empty for a program that does not parse.
    """
    nodes = shared_nodes(program.source)
    functions, aliases = _functions(nodes), _aliases(nodes)
    found = [one for name in names for one in _followed(functions, aliases, {name: functions.get(name, [])})]
    return tuple({one.effect: one for one in found}.values())


@lru_cache(maxsize=64)
def effects_at_import(program: Program) -> tuple[EffectFound, ...]:
    """The effects of the statements that run while the program loads, and of the functions that they reach.

    Empty for a program that does not parse.
    """
    tree = module_or_none(program.source)
    if tree is None:
        return ()
    kept = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    statements: list[ast.AST] = [node for node in tree.body if not isinstance(node, kept)]
    nodes = nodes_of(tree)
    return _followed(_functions(nodes), _aliases(nodes), {"the file": statements})


def _functions(nodes: Sequence[ast.AST]) -> dict[str, list[ast.AST]]:
    """The functions of a module by bare name. A class stands for its `__init__`."""
    functions: dict[str, list[ast.AST]] = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            functions.setdefault(node.name, []).extend(
                child for child in node.body if isinstance(child, ast.FunctionDef) and child.name == "__init__"
            )
    return functions


def _followed(
    functions: dict[str, list[ast.AST]], aliases: dict[str, str], first: dict[str, list[ast.AST]]
) -> tuple[EffectFound, ...]:
    """The effects of the `first` code, by the name that it has in a reason, and of the functions that it reaches."""
    found: dict[Effect, EffectFound] = {}
    reached, pending = set(first), list(first)
    while pending and len(reached) <= FUNCTIONS_MAX:
        name = pending.pop(0)
        for body in first.get(name) or functions.get(name, []):
            for used in _names_used(body, aliases):
                effect = _effect_of(used)
                if effect is not None and used.split(".")[0] not in functions:
                    found.setdefault(effect, EffectFound(effect=effect, reason=f"`{used.lstrip('.')}` in `{name}`"))
                called = used.rsplit(".", 1)[-1]
                if called in functions and called not in reached:
                    reached.add(called)
                    pending.append(called)
    return tuple(found.values())


def undecidable(effects: Collection[EffectFound]) -> str:
    """Why a run of the function cannot show whether it is right, as text for users. Empty if it can."""
    for found in effects:
        if not found.effect.has_stand_in:
            return f"depends on {_WORDS[found.effect]} ({found.reason}), which is not there while it is tested"
    return ""


_SILENT = frozenset({"suppress", "system", "popen", "connect_ex", "return_exceptions"})
"""Names of what turns an error into a value."""


@lru_cache(maxsize=64)
def may_hide_errors(program: Program, *names: str) -> bool:
    """Whether a function, or one that it reaches, may turn an error of the missing world into an ordinary result."""
    tree = module_or_none(program.source)
    if tree is None:
        return True
    nodes = nodes_of(tree)
    functions, aliases = _functions(nodes), _aliases(nodes)
    reached, pending = set(names), list(names)
    while pending and len(reached) <= FUNCTIONS_MAX:
        for body in functions.get(pending.pop(0), []):
            called = {used.rsplit(".", 1)[-1] for used in _names_used(body, aliases)}
            if called & _SILENT or any(isinstance(node, ast.ExceptHandler) for node in ast.walk(body)):
                return True
            pending += [name for name in called if name in functions and name not in reached]
            reached |= called
    return False


_WORDS = {Effect.NETWORK: "the network", Effect.DATABASE: "a database", Effect.SUBPROCESS: "other programs"}


def prelude_for(effects: Collection[EffectFound]) -> str:
    """Source that runs before the program and sets up the stand-ins. Empty if the program needs none."""
    names = sorted(found.effect.value for found in effects if found.effect.has_stand_in)
    return f"{_stand_ins()}\ninstall({names!r})\n" if names else ""


def with_stand_ins(program: Program, effects: Collection[EffectFound]) -> Program:
    """The program with the prelude before its first statement, as one line below docstring and `__future__` imports."""
    prelude = prelude_for(effects)
    if program.module is not None:
        return replace(program, prelude=prelude)
    tree = module_or_none(program.source) if prelude else None
    if tree is None:
        return program
    line = (
        f"_stand_ins = {{'__name__': '_stand_ins'}}; exec(compile({prelude!r}, '<stand-ins>', 'exec'), _stand_ins); "
        "globals().update(_stand_ins.pop('shadowing')()); del _stand_ins\n"
    )
    lines = re.split(r"(?<=\n)", program.source)  # as `ast` counts lines: a form feed does not end one
    place = 0
    for position, node in enumerate(tree.body):
        is_docstring = position == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        place = node.end_lineno or place
    head = "".join(lines[:place])
    return replace(
        program, source=head + ("" if head.endswith("\n") or not head else "\n") + line + "".join(lines[place:])
    )


def with_fresh_world(call: Call, effects: Collection[EffectFound], *, shows_files: bool = False) -> Call:
    """The call, with the stand-ins reset before it, so that one call does not affect the next.

    With `shows_files` its value is paired with the files that it wrote, if any. This is for generated inputs, whose
    results are only compared with each other. The program must come from `with_stand_ins` with the same effects.
    """
    kinds = {found.effect for found in effects if found.effect.has_stand_in}
    if not kinds:
        return call
    expression = call.expression
    if shows_files and Effect.FILES in kinds and expression:
        expression = f"__import__('_stand_ins').shown({expression})"
    setup = f"__import__('_stand_ins').reset()\n{call.setup}".rstrip("\n")
    return replace(call, expression=expression, setup=setup)


@cache
def _stand_ins() -> str:
    return (Path(__file__).parents[1] / "sandbox" / "jail" / "stand_ins.py").read_text(encoding="utf-8")


def _aliases(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """The dotted names that imported names stand for. Imports inside functions count everywhere."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _names_used(body: ast.AST, aliases: dict[str, str]) -> Iterator[str]:
    """Dotted names with their imports resolved. `.name` stands for an attribute of another expression."""
    nodes = nodes_of(body)
    shadowed = {node.arg for node in nodes if isinstance(node, ast.arg)}
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            head, _, rest = dotted.partition(".")
            if head in aliases and head not in shadowed:
                yield f"{aliases[head]}.{rest}"
            else:
                yield f".{node.attr}"
        elif isinstance(node, ast.Name) and node.id not in shadowed and id(node) not in owners:
            yield aliases.get(node.id, node.id)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _effect_of(used: str) -> Effect | None:
    """The effect of a used name, taken from its longest prefix that has one."""
    if used.startswith("."):
        return Effect.FILES if used[1:] in _PATH_METHODS else None
    pieces = used.split(".")
    for length in range(len(pieces), 0, -1):
        effect = _BY_NAME.get(".".join(pieces[:length]))
        if effect is not None and not _is_harmless(used):
            return effect
    return None


def _is_harmless(used: str) -> bool:
    """Whether a name of such a module has no effect: a seeded generator, an exception, a constant."""
    last = used.rsplit(".", 1)[-1]
    return last.endswith(("Error", "Exception", "Warning")) or used in _HARMLESS or used.startswith("socket.AF_")
