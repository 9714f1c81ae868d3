"""The names of the standard library that people import, and the one module that each is meant by. Tables only."""

from __future__ import annotations

_WORDS = """
    abc argparse array ast asyncio base64 bisect builtins bz2 cProfile calendar cmath codecs collections
    colorsys concurrent configparser contextlib contextvars copy csv ctypes dataclasses datetime decimal
    difflib dis doctest email enum errno fcntl fnmatch fractions ftplib functools gc getpass glob graphlib
    gzip hashlib heapq hmac html http imaplib importlib inspect io ipaddress itertools json keyword linecache
    locale logging lzma marshal math mimetypes mmap multiprocessing netrc numbers operator optparse os pathlib
    pickle pkgutil platform plistlib pprint pstats pwd queue random re reprlib resource runpy sched secrets
    select selectors shlex shutil signal smtplib socket sqlite3 ssl stat statistics string struct subprocess
    sys sysconfig tarfile tempfile termios textwrap threading time timeit tokenize tomllib traceback
    tracemalloc types typing unicodedata unittest urllib uuid warnings weakref webbrowser xml zipfile
    zipimport zlib zoneinfo code codeop ntpath posixpath shelve symtable token
"""
MODULES = frozenset(_WORDS.split())
"""Modules that people import by their names alone."""
_INNER = """
    asyncio.base_events asyncio.subprocess collections.abc concurrent.futures email.message email.utils http.client
    http.cookiejar http.cookies http.server importlib.abc importlib.machinery importlib.metadata importlib.resources
    importlib.util json.decoder json.encoder logging.config logging.handlers multiprocessing.pool os.path
    unittest.mock urllib.error urllib.parse urllib.request xml.dom.minidom xml.etree.ElementTree xml.sax.saxutils
"""
INNER = frozenset(_INNER.split())
"""Modules within packages from which people import names."""
ALIASES = {
    "ET": "xml.etree.ElementTree",
    "jnp": "jax.numpy",
    "np": "numpy",
    "nx": "networkx",
    "osp": "os.path",
    "pa": "pyarrow",
    "pd": "pandas",
    "pl": "polars",
    "plt": "matplotlib.pyplot",
    "sns": "seaborn",
    "tf": "tensorflow",
    "xr": "xarray",
}
"""Modules that most people import under a short name."""
_NAMES = {
    "abc": "ABC ABCMeta abstractmethod",
    "argparse": "ArgumentParser Namespace",
    "base64": "b64decode b64encode urlsafe_b64decode urlsafe_b64encode",
    "bisect": "bisect_left bisect_right insort insort_left insort_right",
    "collections": "ChainMap Counter OrderedDict UserDict UserList defaultdict deque namedtuple",
    "collections.abc": (
        "AsyncGenerator AsyncIterable AsyncIterator Awaitable Container Coroutine Hashable MutableMapping "
        "MutableSequence MutableSet Reversible Sized"
    ),
    "concurrent.futures": "ProcessPoolExecutor ThreadPoolExecutor",
    "contextlib": (
        "AsyncExitStack ExitStack aclosing asynccontextmanager chdir closing contextmanager nullcontext "
        "redirect_stdout suppress"
    ),
    "contextvars": "ContextVar copy_context",
    "copy": "deepcopy",
    "dataclasses": "asdict astuple dataclass is_dataclass",
    "datetime": "timedelta timezone",
    "decimal": "Decimal ROUND_HALF_EVEN ROUND_HALF_UP",
    "enum": "Enum Flag IntEnum IntFlag StrEnum",
    "fractions": "Fraction",
    "functools": (
        "cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch "
        "singledispatchmethod total_ordering update_wrapper wraps"
    ),
    "glob": "iglob",
    "gzip": "GzipFile",
    "hashlib": "md5 sha1 sha256 sha512",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "inspect": (
        "cleandoc getattr_static getfullargspec getmembers getmodule getsource isabstract isasyncgenfunction isclass "
        "isgeneratorfunction ismethod isroutine signature"
    ),
    "io": "BytesIO StringIO",
    "itertools": (
        "accumulate batched chain combinations combinations_with_replacement compress count cycle dropwhile "
        "filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest"
    ),
    "json": "JSONDecodeError JSONEncoder",
    "linecache": "getline",
    "logging": "getLogger",
    "math": "ceil comb factorial floor gcd hypot isclose isqrt lcm log10 log2 perm sqrt",
    "numbers": "Integral Number Rational Real",
    "operator": "attrgetter is_not itemgetter methodcaller",
    "os": "PathLike fspath getcwd makedirs",
    "os.path": (
        "abspath basename commonpath commonprefix dirname expanduser expandvars isdir isfile normpath realpath relpath "
        "splitext"
    ),
    "pathlib": "Path PurePath PurePosixPath",
    "pprint": "pformat pprint",
    "random": "randint randrange",
    "re": "Match Pattern",
    "shutil": "copyfile copytree rmtree",
    "statistics": "fmean mean median pstdev stdev",
    "string": "Formatter ascii_letters ascii_lowercase ascii_uppercase digits hexdigits punctuation",
    "subprocess": "CalledProcessError Popen check_output",
    "tempfile": "NamedTemporaryFile TemporaryDirectory mkdtemp mkstemp",
    "textwrap": "dedent indent",
    "threading": "RLock Thread",
    "time": "monotonic perf_counter",
    "traceback": "format_exc print_exc",
    "types": "CodeType FunctionType GeneratorType MappingProxyType MethodType ModuleType SimpleNamespace TracebackType",
    "typing": (
        "Any Callable ClassVar Dict Final FrozenSet Generic Iterable Iterator List Literal Mapping NamedTuple "
        "Optional Protocol Sequence Set TYPE_CHECKING Tuple TypeVar TypedDict Union cast get_args get_origin "
        "get_type_hints overload"
    ),
    "unicodedata": "combining east_asian_width normalize",
    "unittest.mock": "MagicMock",
    "urllib.parse": (
        "parse_qs parse_qsl quote quote_plus unquote unquote_plus urldefrag urlencode urljoin urlparse urlsplit "
        "urlunparse urlunsplit"
    ),
    "uuid": "UUID uuid4",
    "warnings": "catch_warnings warn",
    "weakref": "WeakKeyDictionary WeakSet WeakValueDictionary finalize",
    "zipfile": "ZipFile",
}
MEMBERS = {name: f"from {module} import {name}" for module, names in _NAMES.items() for name in names.split()}
"""Names that one module of the standard library is meant by."""
