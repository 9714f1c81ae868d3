"""Zygotes by the packages that they have imported, and the children forked ahead in each.

A child cannot load an extension module. So a program that imports numpy needs a zygote that has imported it before. The
number of zygotes is bounded. A zygote is replaced after many children or when it has grown, so that leaked memory is
freed.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Protocol

from plum_lsp.domain.errors import SandboxError
from plum_lsp.sandbox.isolation.child import Child

ZYGOTES_MAX = 3
"""Zygotes kept warm: the plain one and two with packages. Each takes tens of megabytes."""
AHEAD_SECONDS = 4.0
"""How long a zygote with packages may take to start. After that its programs run without it."""
_SPARES_MIN = 6
"""Children forked ahead, at least: one for each candidate of a small group."""
_REFUSED_SECONDS = 300.0
_REFUSED_MAX = 256
"""How long a failure to start is remembered, and for how many sets of packages."""
_IMPORTS_MAX = 24
"""Modules that one program can have imported ahead. An ordinary program does not have more."""
_SOURCE_MAX = 1 << 20
_STATEMENTS_MAX = 256
_CLAUSE_MAX = 1000
"""How much of a program is searched for imports: characters, statements, characters of one statement."""
_NAME_MAX = 200
"""Characters of a module's name. A file name cannot have many more."""
_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w.][\w., \t]*))", re.MULTILINE
)

_LAZY = {"numpy": ("numpy.random", "numpy.fft", "numpy.linalg", "numpy.ma"), "pandas": ("numpy.random",)}
"""Parts that a package loads at their first use. A child cannot load them then."""

Imports = frozenset[str]


def installed_imports(source: str, folders: Iterable[str]) -> Imports:
    """Modules outside the standard library that the source imports and that lie in `folders` (site-packages).

    Statements are found line by line. A parser would block other requests for as long as the program's text makes it
    work. A line within a string may be taken for a statement. That only costs an import ahead.
    """
    text = source[:_SOURCE_MAX].replace("\\\n", " ")
    statements = islice(_STATEMENT.finditer(text), _STATEMENTS_MAX)
    names = [name for statement in statements for name in _named(statement[1] or statement[2])]
    foreign = [name for name in dict.fromkeys(names) if _can_be_ahead(name)][:_IMPORTS_MAX]
    tops = {name.split(".")[0] for name in foreign}
    known = {top for top in tops if any(_holds(Path(folder), top) for folder in folders)}
    wanted = [name for name in foreign if name.split(".")[0] in known]
    return frozenset([*wanted, *(part for top in known for part in _LAZY.get(top, ()))])


def _named(clause: str) -> list[str]:
    """The modules of `a.b as c, d`."""
    return [name for part in clause[:_CLAUSE_MAX].split(",") for name in part.split()[:1]]


def _can_be_ahead(name: str) -> bool:
    """Whether the module may be imported ahead.

    Modules of the standard library and `__main__` modules, which start a program, may not.
    """
    parts = name.split(".")
    return (
        len(name) <= _NAME_MAX
        and all(part.isidentifier() for part in parts)
        and parts[0] not in sys.stdlib_module_names
        and "__main__" not in parts
    )


def _holds(folder: Path, top: str) -> bool:
    with contextlib.suppress(OSError):
        return (
            (folder / top / "__init__.py").is_file()
            or (folder / f"{top}.py").is_file()
            or any(folder.glob(f"{top}.*.so"))
        )
    return False


class Source(Protocol):
    """Hands out children: a zygote, or on systems without zygotes an object that starts processes."""

    is_broken: bool

    @property
    def is_worn(self) -> bool:
        """Whether it should be replaced."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a child is alive."""
        ...

    def order_child(self) -> Child | None:
        """A child that will exist. None if none can be ordered now."""
        ...

    async def arrival(self, child: Child) -> Child:
        """Wait until an ordered child exists."""
        ...

    async def fork(self) -> Child:
        """A new child."""
        ...

    async def close(self) -> None:
        """End every child."""
        ...


class _Warm:
    """One zygote and its spare children."""

    def __init__(self, zygote: Source) -> None:
        self.zygote = zygote
        self.spares: deque[Child] = deque()

    def refill(self, count: int) -> None:
        """Order spare children without waiting for them."""
        with contextlib.suppress(SandboxError):
            while len(self.spares) < count and (child := self.zygote.order_child()) is not None:
                self.spares.append(child)

    async def close(self) -> None:
        while self.spares:
            self.spares.pop().kill()
        await self.zygote.close()


class ZygotePool:
    """Hands out children. `start` makes a zygote that has imported the given modules besides its own.

    The program chooses its imports, and an import may hang, exit or crash. So a zygote with packages starts in its own
    task, and only programs with the same imports wait for it. If it fails, such programs get a child of the plain
    zygote for a while. They import the packages themselves, within their own limits.
    """

    def __init__(self, start: Callable[[Imports], Awaitable[Source]], *, spares: int) -> None:
        self._start = start
        self._spares = spares
        self._taken = 0
        self._warm: OrderedDict[Imports, _Warm] = OrderedDict()
        self._starting: dict[Imports, asyncio.Task[None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._refused: OrderedDict[Imports, float] = OrderedDict()
        self._is_closed = False

    async def take(self, imports: Imports) -> Child:
        """A child whose zygote has imported these, if possible. A spare one is used if there is one.

        Raises:
            SandboxError: no zygote can be started, or it does not fork.
        """
        warm = await self._ready(imports)
        self._taken += 1
        while warm.spares:
            spare = warm.spares.popleft()
            if not spare.ended.done():
                return await warm.zygote.arrival(spare)
            spare.kill()
        return await warm.zygote.fork()

    async def prepare(self, imports: Imports) -> None:
        """Wait until `take` does not have to wait for a zygote.

        Raises:
            SandboxError: no zygote can be started.
        """
        await self._ready(imports)

    def refill(self) -> None:
        """Order spare children of the zygote used last, for the next group. Their number is that of the last group."""
        if self._warm and not self._is_closed:
            next(reversed(self._warm.values())).refill(min(self._spares, max(_SPARES_MIN, self._taken)))
            self._taken = 0

    async def _ready(self, imports: Imports) -> _Warm:
        """A zygote for these, started if necessary."""
        while True:
            if self._is_closed:
                raise SandboxError("the sandbox is closed")
            wanted = frozenset() if self._is_refused(imports) else imports
            key = next((key for key in self._warm if wanted <= key), wanted)
            warm = self._warm.get(key)
            if warm is not None and not (warm.zygote.is_broken or warm.zygote.is_worn):
                self._warm.move_to_end(key)
                return warm
            if warm is not None:
                self._retire(key)
            await self._started(key)

    async def _started(self, key: Imports) -> None:
        """Wait for the one task that starts this zygote. A cancelled caller leaves the task to the other callers."""
        task = self._starting.get(key)
        if task is None:
            task = self._starting[key] = asyncio.create_task(self._launch(key))
            task.add_done_callback(lambda _: self._starting.pop(key, None))
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def _launch(self, key: Imports) -> None:
        """Start a zygote and keep it. One with packages that fails is not tried again for a while."""
        try:
            async with asyncio.timeout(AHEAD_SECONDS if key else None):
                zygote = await self._start(key)
        except (SandboxError, TimeoutError):
            if not key:
                raise
            self._refused[key] = asyncio.get_running_loop().time() + _REFUSED_SECONDS
            while len(self._refused) > _REFUSED_MAX:
                self._refused.popitem(last=False)
            return
        self._warm[key] = _Warm(zygote)
        # The least recently used ones are dropped, but never the plain one, which any program can use.
        for old in [old for old in self._warm if old and old != key][: max(0, len(self._warm) - ZYGOTES_MAX)]:
            self._retire(old)

    def _is_refused(self, imports: Imports) -> bool:
        return self._refused.get(imports, 0.0) > asyncio.get_running_loop().time()

    def _retire(self, key: Imports) -> None:
        """Take a zygote out of use without waiting for its end."""
        task = asyncio.create_task(_end(self._warm.pop(key)))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Kill every zygote and child. Idempotent."""
        self._is_closed = True
        tasks = [*self._starting.values(), *self._retiring]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._warm:
            _, warm = self._warm.popitem()
            await warm.close()


async def _end(warm: _Warm) -> None:
    """Wait for the children at work, then close. A broken zygote has none."""
    try:
        while warm.spares:
            warm.spares.pop().kill()
        for _ in range(0 if warm.zygote.is_broken else 500):
            if not warm.zygote.is_busy:
                break
            await asyncio.sleep(0.01)
    finally:
        await warm.close()
