"""A project's own tests, run as pytest runs them: collected once in a zygote, and run in children.

The results are written in the candidate's own process. The host believes them only for programs that were screened, and
only with the token that it gave for this run.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

_SHOWN_MAX = 300
"""Characters of an exception's text that are sent."""
_WRAPPED_MAX = 8
"""How many decorators of a test are looked through."""
_CAUSES_MAX = 8
"""How many causes of an exception are looked at."""
_UNWANTED = (
    *(
        "cacheprovider",
        "xdist",
        "xdist.looponfail",
        "randomly",
        "random_order",
        "pytest_cov",
        "rerunfailures",
        "timeout",
    ),
    *("testmon", "sugar", "html", "pytest_html", "metadata", "json-report", "instafail", "picked", "faulthandler"),
)
"""Plug-ins that start processes, change the order, write reports or measure other data."""
_QUIET = ("PytestUnknownMarkWarning", "PytestConfigWarning", "PytestAssertRewriteWarning", "PytestCacheWarning")
_HARMLESS = ("--import-mode", "--asyncio-mode", "--doctest-modules", "--ds", "--dc", "-W", "-p")
"""Options of a project's configuration that are kept."""
_REFUSED = frozenset(
    {errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOSYS, errno.EFBIG, errno.EMFILE, errno.EAFNOSUPPORT}
)
"""The errors that a program gets from the jail when it asks for too much."""

_TIMERS = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
_AGAIN_SECONDS = {signal.ITIMER_PROF: 0.25, signal.ITIMER_REAL: 0.75}
"""After which time the alarm rings again. pytest needs some of it to handle the first exception."""


class TestTimeout(BaseException):
    """A test took longer than allowed."""

    __test__ = False


class Ran:
    """How one item ended. `is_about` tells whether the file of an uncollected test failed in the document."""

    def __init__(self, outcome: str, shown: str = "", *, is_about: bool = False) -> None:
        self.outcome, self.shown, self.is_about = outcome, shown, is_about


class Session:
    """pytest with its tests collected. `document` is the path of the file under test.

    If `only` is not empty, no other functions are collected. A table with thousands of rows takes seconds.
    """

    def __init__(self, folder: str, files: list[str], document: str, only: list[str]) -> None:
        self._document = document
        self._listener = _Listener(document, {name.rpartition("::")[2] for name in only})
        self.judges = self._listener.judges
        self._items: dict[str, list[Any]] = {}
        self._made: dict[str, list[Any]] = {}
        _take_document(document)
        session = _collected(folder, files, self._listener)
        for item in session.items:
            self._items.setdefault(_name_of(item), []).append(item)
            for name in _names_in_file(item):
                self._made.setdefault(name, []).append(item)
        self._state = session._setupstate
        self._alarm = _Alarm()
        self._own_folder()

    @property
    def names(self) -> list[str]:
        """The functions that were collected."""
        return list(self._items)

    def uncollected(self, test: str) -> Ran | None:
        """Why the file of a test could not be collected. None if it could."""
        return self._listener.uncollected(test)

    def _own_folder(self) -> None:
        """Give pytest's temporary folder to the user that runs the tests. The real user may differ for each child."""
        import _pytest.tmpdir

        vars(_pytest.tmpdir)["get_user_id"] = os.geteuid

    def run(self, name: str, seconds: float, wall_share: float, cases_max: int) -> Ran:
        """Run one test: at most `cases_max` of its cases, up to the first that fails.

        A case that is skipped is no evidence, so the others are run. All of them have `seconds` of processor time, and
        `wall_share` times as much on the clock: a test may wait.
        """
        found = self._items.get(name) or self._made.get(name, [])
        if not found and (uncollected := self.uncollected(name)):
            return uncollected
        ran, cases = Ran("missing"), found[:cases_max]
        ends = {signal.ITIMER_PROF: seconds, signal.ITIMER_REAL: seconds * wall_share}
        begun = {timer: _now(timer) for timer in ends}
        for case, after in zip(cases, [*cases[1:], None]):
            one = self._run(case, after, {timer: ends[timer] - (_now(timer) - begun[timer]) for timer in ends})
            ran = ran if one.outcome == "skipped" and ran.outcome == "passed" else one
            if one.outcome not in ("passed", "skipped"):
                self._start_afresh()
                break
        return ran

    def _start_afresh(self) -> None:
        """Tear down the fixtures that are kept for a case that will not be run."""
        try:
            with self._alarm.on(_AGAIN_SECONDS):
                self._state.teardown_exact(None)
        except BaseException:  # noqa: BLE001 (a fixture's teardown does not affect the next test)
            self._state.stack.clear()

    def _run(self, item: Any, after: Any, left: dict[int, float]) -> Ran:
        """Run one case with the seconds that are `left` on each timer."""
        self._listener.start()
        problem = ""
        try:
            with self._alarm.on(left):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        except TestTimeout:
            return Ran("timed_out")
        except BaseException as error:  # noqa: BLE001 (an error of a plug-in is no evidence about the candidate)
            problem = type(error).__name__
        if self._alarm.has_rung:
            return Ran("timed_out")
        return Ran("errored", problem) if problem else self._listener.ran()


def _take_document(path: str) -> None:
    """Let pytest find the tests of the document in the module that is loaded. Its file may hold another text."""
    import _pytest.python

    usual: Any = _pytest.python.Module._getobj

    def own(collector: Any) -> Any:
        loaded = None
        if str(getattr(collector, "path", "")) == path:
            loaded = next((one for one in list(sys.modules.values()) if getattr(one, "__file__", "") == path), None)
        return usual(collector) if loaded is None else loaded

    vars(_pytest.python)["Module"]._getobj = own


def _now(timer: int) -> float:
    return time.process_time() if timer == signal.ITIMER_PROF else time.perf_counter()


class _Alarm:
    """Raises `TestTimeout` in what runs too long. It does so again, because a test may swallow the exception.

    `has_rung` tells whether it has rung since it was last set.
    """

    def __init__(self) -> None:
        self.has_rung = self._is_on = False

    @contextlib.contextmanager
    def on(self, left: dict[int, float]) -> Iterator[None]:
        """Ring when the seconds of a timer have passed."""
        self.has_rung, self._is_on = False, True
        for number in _TIMERS.values():
            signal.signal(number, self._ring)
        try:
            for timer, seconds in left.items():
                signal.setitimer(timer, max(0.01, seconds))
            yield
        finally:
            self._is_on = False
            for timer in left:
                signal.setitimer(timer, 0)

    def _ring(self, *_: Any) -> None:
        if self._is_on:
            self.has_rung = True
            for timer, seconds in _AGAIN_SECONDS.items():
                signal.setitimer(timer, seconds)  # Both: the other one must not ring while this exception is handled.
            raise TestTimeout


def _name_of(item: Any) -> str:
    """File and function, without the parameters of a case."""
    nodeid: str = item.nodeid
    spec = getattr(item, "callspec", None)
    case = "[" + spec.id + "]" if spec is not None else ""
    return nodeid[: -len(case)] if case and nodeid.endswith(case) else nodeid


def _names_in_file(item: Any) -> set[str]:
    """The names by which a text has a test that was made when the file was imported: of the function that it came from.

    `test_sum` of a class can become `test_sum_0` of it, and `test` in a function `make` becomes `test_a` of any class.
    """
    function = _original(getattr(item, "obj", None))
    if not isinstance(function, types.FunctionType):
        return set()
    name = _name_of(item)
    file, owner = name.partition("::")[0], name.rpartition("::")[0]
    path = function.__qualname__.replace("<locals>.", "").replace(".", "::")
    return {owner + "::" + function.__name__, file + "::" + path} - {name}


def _original(made: Any) -> Any:
    """The function that decorators have wrapped and renamed, or the object itself."""
    for _ in range(_WRAPPED_MAX):
        made = vars(made).get("__wrapped__", made) if isinstance(made, types.FunctionType) else made
        made = getattr(made, "__func__", made)
    return made


def _collected(folder: str, files: list[str], listener: Any) -> Any:
    """A session that has collected the files, with the project's harmless options if that works, else without them."""
    from _pytest.config import _prepareconfig
    from _pytest.main import Session as PytestSession

    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = True
    base = [*files, "--rootdir", folder, "-q", "--tb=native", "--capture=sys", "-o", "addopts="]
    for name in _UNWANTED:
        base += ["-p", "no:" + name]
    for name in _QUIET:
        base += ["-W", "ignore::pytest." + name]
    config = _prepareconfig(base, plugins=[listener])
    more = _harmless(config)
    if more:
        config._ensure_unconfigure()
        try:
            config = _prepareconfig([*base, *more], plugins=[listener])
            base += more
        except BaseException:  # noqa: BLE001 (an option of a plug-in that is not wanted here)
            config = _prepareconfig(base, plugins=[listener])
    config = _configured(config, lambda: _prepareconfig([*base, "-W", "ignore"], plugins=[listener]))
    session = PytestSession.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    config.hook.pytest_collection(session=session)
    return session


def _configured(config: Any, without_warnings: Callable[[], Any]) -> Any:
    """The configuration, made ready. One without warnings if a plug-in warns and the project makes an error of it."""
    try:
        config._do_configure()
    except Warning:
        config._ensure_unconfigure()
        config = without_warnings()
        config._do_configure()
    return config


def _harmless(config: Any) -> list[str]:
    """The harmless options of the project's configuration: those that change how tests are found and run."""
    stated = config.inicfg.get("addopts", "")
    stated = getattr(stated, "value", stated)
    words = shlex.split(stated) if isinstance(stated, str) else [str(one) for one in stated or ()]
    kept: list[str] = []
    for at, word in enumerate(words):
        name, _, value = word.partition("=")
        if name not in _HARMLESS:
            continue
        if value or name == "--doctest-modules":
            kept.append(word)
        elif at + 1 < len(words) and not words[at + 1].startswith("-"):
            kept += [word, words[at + 1]]
    return kept


class _Listener:
    """A plug-in that keeps how a test ended and which exception it raised.

    If `only` is not empty, it holds the names of the functions that are collected.
    """

    def __init__(self, document: str, only: set[str]) -> None:
        self._document, self._only = document, only
        self._reports: list[Any] = []
        self._raised: Any = None
        self._own: Callable[[], set[tuple[str, int]]] = set
        self._uncollected: dict[str, Ran] = {}

    def judges(self, own: Callable[[], set[tuple[str, int]]]) -> None:
        """Judge the function that has this code, by name and first line of each part. Empty: the whole document."""
        self._own = own

    def start(self) -> None:
        self._reports, self._raised = [], None

    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: Any) -> Any:
        if not self._only or name in self._only or not callable(obj) or isinstance(obj, type):
            return None  # None leaves the answer to pytest.
        return None if getattr(_original(obj), "__name__", name) in self._only else []

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            lines = str(report.longrepr).strip().splitlines()
            why = lines[-1][:_SHOWN_MAX] if lines else "it cannot be collected"
            is_about = self._raised is not None and self._is_in_document(self._raised.value)
            self._uncollected[report.nodeid] = Ran("uncollected", why, is_about=is_about)
        self._raised = None

    def uncollected(self, test: str) -> Ran | None:
        """Why the file of a test could not be collected. None if it could."""
        return next((ran for node, ran in self._uncollected.items() if (test + "::").startswith(node + "::")), None)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._reports.append(report)

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        if self._raised is None:
            self._raised = call.excinfo

    def ran(self) -> Ran:
        """The result of the test, from all its phases and from its parts (`subTest`), which report by themselves.

        A part that fails fails the test, although the phase around it passes. A part that is skipped does not count.
        """
        whole = [report for report in self._reports if not hasattr(report, "context")]
        if any(hasattr(report, "wasxfail") or report.outcome == "skipped" for report in whole):
            return Ran("skipped")
        if not any(report.outcome == "failed" for report in self._reports):
            is_called = any(report.when == "call" and report.outcome == "passed" for report in whole)
            return Ran("passed" if is_called else "skipped")
        if self._raised is None:
            return Ran("failed")
        error = self._raised.value
        shown = type(error).__name__ + ": " + _text_of(error)
        if isinstance(error, TestTimeout):
            return Ran("timed_out")
        if _is_refusal(error):
            return Ran("errored", shown)
        is_about = isinstance(error, AssertionError) or type(error).__name__ == "Failed"
        if not is_about and not self._passes_document(self._raised.tb):
            return Ran("errored", shown)
        return Ran("failed" if is_about or self._passes_function(self._raised.tb) else "errored_beside", shown)

    def _is_in_document(self, error: BaseException | None) -> bool:
        """Whether an exception, or one that caused it, came through the document."""
        for _ in range(_CAUSES_MAX):
            if error is None or self._passes_document(error.__traceback__):
                break
            error = error.__cause__ or error.__context__
        return error is not None

    def _passes_document(self, place: Any) -> bool:
        """Whether a traceback leads through the document."""
        return any(True for _ in self._codes(place))

    def _passes_function(self, place: Any) -> bool:
        """Whether a traceback leads through the function that is judged."""
        own = self._own()
        return not own or any((code.co_name, code.co_firstlineno) in own for code in self._codes(place))

    def _codes(self, place: Any) -> Iterator[Any]:
        """The document's code that a traceback leads through."""
        while place is not None:
            if place.tb_frame.f_code.co_filename == self._document:
                yield place.tb_frame.f_code
            place = place.tb_next


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a test failed because of the jail and not because of the program."""
    seen = 0
    while error is not None and seen < _CAUSES_MAX:
        if isinstance(error, OSError) and error.errno in _REFUSED:
            return True
        if isinstance(error, RuntimeError) and "start new thread" in str(error):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:_SHOWN_MAX]
    except BaseException:  # noqa: BLE001 (candidates may define it)
        return ""
