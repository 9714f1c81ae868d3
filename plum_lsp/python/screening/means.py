"""Names by which a program reaches the interpreter, other modules or the machinery of tests, and harmless names."""

from __future__ import annotations

import abc
import builtins
import importlib
import os
import sys
import types
from functools import cache


def words(text: str) -> frozenset[str]:
    """The words of a table that is written as a text."""
    return frozenset(text.split())


DANGEROUS = words("""
    sys os gc inspect types builtins importlib ctypes signal atexit traceback linecache code codeop unittest pytest
    _pytest mock pluggy pickle marshal dill cloudpickle subprocess socket multiprocessing tracemalloc faulthandler pdb
    bdb trace runpy pkgutil threading _thread concurrent dis ast symtable posix pty fcntl mmap resource select
    doctest copyreg shelve site sysconfig zipimport imp asyncio contextvars weakref abc cffi numba hypothesis
""")
"""Modules of which only `HARMLESS` attributes may be used."""
HARMLESS = {
    "sys": words("""
        maxsize version_info platform byteorder float_info stdout stderr stdin argv version maxunicode hexversion
        getrecursionlimit getsizeof getdefaultencoding getfilesystemencoding implementation intern int_info hash_info
        pypy_version_info winver getwindowsversion abiflags api_version copyright executable prefix base_prefix
        exec_prefix platlibdir float_repr_style thread_info stdlib_module_names builtin_module_names exc_info
    """),
    "os": words("""
        path sep linesep environ getcwd listdir scandir walk stat lstat makedirs mkdir remove unlink rename replace
        rmdir removedirs name fspath PathLike fsencode fsdecode getenv curdir pardir extsep altsep pathsep devnull
        access R_OK W_OK X_OK F_OK cpu_count DirEntry readlink symlink link chmod utime urandom stat_result
    """),
    "inspect": words("""
        signature Signature Parameter isclass isfunction ismethod iscoroutinefunction isgeneratorfunction
        isasyncgenfunction isawaitable isgenerator iscoroutine isabstract isbuiltin isroutine getdoc cleandoc getmro
        getfullargspec ismodule isdatadescriptor unwrap
    """),
    "types": words("""
        MappingProxyType SimpleNamespace GeneratorType CoroutineType AsyncGeneratorType NoneType GenericAlias UnionType
        EllipsisType NotImplementedType MethodType BuiltinFunctionType ModuleType
    """),
    "threading": words("Lock RLock Event Condition Semaphore BoundedSemaphore local Barrier"),
    "asyncio": words("""
        sleep gather wait wait_for Lock Event Condition Semaphore Queue timeout shield TimeoutError CancelledError
        InvalidStateError create_task TaskGroup Future Task iscoroutinefunction iscoroutine isfuture ensure_future
        get_running_loop to_thread FIRST_COMPLETED ALL_COMPLETED run as_completed
    """),
    "weakref": words("ref WeakKeyDictionary WeakValueDictionary WeakSet proxy WeakMethod finalize"),
    "abc": words("ABC ABCMeta abstractmethod"),
    "contextvars": words("ContextVar Token copy_context"),
    "concurrent": words("futures"),
    "ast": words("literal_eval"),
}
SAFE_IMPORTS = words("""
    math cmath re string itertools functools collections heapq bisect operator copy datetime decimal fractions random
    statistics json csv textwrap typing typing_extensions dataclasses enum numbers array struct hashlib hmac base64
    binascii unicodedata urllib html calendar time zoneinfo uuid ipaddress difflib fnmatch glob pathlib pprint reprlib
    warnings contextlib io tempfile shutil locale colorsys graphlib keyword zlib gzip bz2 lzma secrets queue logging
    configparser tomllib abc types os sys inspect threading asyncio weakref contextvars ast numpy __future__
""")
"""Modules that a candidate may import though its file does not."""
_PLAIN = words("""
    os sys signal socket select threading inspect asyncio gc ast resource fcntl mmap subprocess
""")
"""Modules whose numbers and texts may be read."""
NAMED = words("getattr setattr delattr attrgetter methodcaller hasattr")
"""Callables that take the name of an attribute."""
SETTERS = words("setattr delattr __setattr__ __delattr__")
"""Callables that set an attribute that they are given the name of."""
OWN = ("self", "cls")
"""Names of the object or class that a method belongs to."""
EVALUATING = words("""
    get_type_hints ForwardRef singledispatch singledispatchmethod evaluate_forward_ref get_annotations eval_str
    allow_pickle as_strided ctypeslib f2py myeval dictConfig fileConfig DictConfigurator
""")
"""Names of harmless modules that evaluate texts, load objects or reach memory."""
COPYING = {"update_wrapper": 2, "wraps": 1}
"""Functions that copy attributes whose names they are given, and how many arguments they may have."""
DYNAMIC = words("""
    eval exec compile globals locals vars breakpoint __import__ getattr setattr delattr __builtins__ __loader__ __spec__
    memoryview help exit quit attrgetter methodcaller
""")
"""Names with which a program reaches what its text does not name."""
FRAMES = words("""
    tb_frame tb_next tb_lasti f_back f_globals f_locals f_builtins f_code f_trace gi_frame gi_code gi_yieldfrom cr_frame
    cr_code cr_await cr_origin ag_frame ag_code ag_await co_consts co_code func_globals func_code _getframe
    with_traceback settrace setprofile currentframe get_objects get_referrers get_referents
""")
"""Attributes that lead from an object to what runs it."""
READ = words("""
    __init__ __new__ __name__ __qualname__ __doc__ __class__ __dict__ __module__ __len__ __iter__ __next__ __reversed__
    __enter__ __exit__ __aenter__ __aexit__ __aiter__ __anext__ __await__ __call__ __eq__ __ne__ __lt__ __le__ __gt__
    __ge__ __hash__ __repr__ __str__ __bytes__ __format__ __bool__ __int__ __float__ __complex__ __index__ __getitem__
    __setitem__ __delitem__ __contains__ __missing__ __add__ __sub__ __mul__ __matmul__ __truediv__ __floordiv__
    __mod__ __divmod__ __pow__ __lshift__ __rshift__ __and__ __xor__ __or__ __radd__ __rsub__ __rmul__ __rmatmul__
    __rtruediv__ __rfloordiv__ __rmod__ __rdivmod__ __rpow__ __rlshift__ __rrshift__ __rand__ __rxor__ __ror__
    __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ __iand__ __ixor__ __ior__ __neg__ __pos__
    __abs__ __invert__ __round__ __trunc__ __floor__ __ceil__ __copy__ __deepcopy__
    __getstate__ __getnewargs__ __getattr__ __setattr__ __delattr__ __slots__ __wrapped__
    __signature__ __defaults__ __kwdefaults__ __cause__ __context__ __suppress_context__ __notes__ __origin__ __args__
    __mro__ __bases__ __post_init__ __dataclass_fields__ __fspath__ __length_hint__ __set_name__ __get__ __set__
    __delete__ __init_subclass__ __class_getitem__ __attrs_attrs__ __members__ __path__ __file__ __version__ __all__
    __func__ __sizeof__ __match_args__ __type_params__ __value__ __parameters__ __isabstractmethod__ __debug__
""")
"""Special names that may be read. Any other reaches what is behind objects."""
STORED = words("""
    __name__ __qualname__ __doc__ __module__ __wrapped__ __dict__ __signature__ __cause__ __context__
    __suppress_context__ __notes__ __slots__ __isabstractmethod__
""")
"""Special names that may be set."""
_RESERVED = words("""
    __all__ __annotate__ __await__ __bytes__ __cached__ __complex__ __conform__ __copy__ __debuggerskip__ __deepcopy__
    __del__ __delete__ __file__ __fspath__ __getattr__ __getinitargs__ __getnewargs__ __getnewargs_ex__ __index__
    __init_subclass__ __instancecheck__ __length_hint__ __loader__ __main__ __match_args__ __matmul__ __missing__
    __mro_entries__ __path__ __post_init__ __prepare__ __set__ __set_name__ __signature__ __slots__ __spec__
    __subclasscheck__ __tracebackhide__ __wrapped__ __member_names__
""")
"""Special names with a meaning to Python that no object of `builtins`, `types` or `abc` has."""
_TOOLS = ("__pytest", "__unittest", "__hypothesis", "__test", "__plum", "__array", "__dataclass", "__mock", "__trace")
"""How the names of such tools begin."""


_IMMUTABLE = 1 << 8
"""Py_TPFLAGS_IMMUTABLETYPE of a class (Include/object.h)."""


def is_library(module: str) -> bool:
    """Whether a module is of the standard library or numpy, whose doors are known."""
    return (top := module.split(".")[0]) in sys.stdlib_module_names or top == "numpy"


@cache
def is_harmless(module: str, name: str, *, is_read: bool = True) -> bool:
    """Whether a part of a dangerous module is harmless: a known one, or a number or a text that is only read."""
    if name in HARMLESS.get(module, frozenset()):
        return True
    if module not in _PLAIN or name.startswith("_") or not is_read:
        return False
    try:
        found: object = getattr(importlib.import_module(module), name, None)
    except ImportError:  # Other systems lack some of these modules.
        return False
    return isinstance(found, int | str)


def _is_imported_here(module: str) -> bool:
    """Whether a module is a harmless one of the standard library, which may be imported to look at its parts."""
    return module in SAFE_IMPORTS and module in sys.stdlib_module_names


@cache
def is_changeable(module: str, name: str) -> bool:
    """Whether a part of a module may be a module, or a class whose attributes can be set. True if that is not known."""
    top = module.split(".")[0]
    if top == "numpy":
        return name[:1].isupper()
    if not _is_imported_here(top):
        return True
    try:
        found: object = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return True
    return isinstance(found, types.ModuleType) or (isinstance(found, type) and not found.__flags__ & _IMMUTABLE)


@cache
def leads_elsewhere(dotted: str) -> bool:
    """Whether a part of a harmless standard module is another module, as `enum.bltns` is `builtins`.

    Only the modules of `SAFE_IMPORTS` are imported to find out. Parts of other packages are not known here.
    """
    top, *parts = dotted.split(".")
    if not _is_imported_here(top):
        return False
    found: object = importlib.import_module(top)
    for part in parts:
        found = getattr(found, part, None)
        if isinstance(found, types.ModuleType) and found is not os.path and found.__name__.split(".")[0] != top:
            return True
    return False


@cache
def _names_of_python() -> frozenset[str]:
    things = (*vars(builtins).values(), *vars(types).values(), *vars(abc).values())
    return frozenset(name for thing in things for name in dir(thing)) | _RESERVED | READ | STORED | LIES


def is_own_name(name: str) -> bool:
    """Whether a special name, like `__click_params__`, has no meaning for Python or for test tools."""
    return name not in _names_of_python() and not name.startswith(_TOOLS)


LIES = words("""
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __bool__ __instancecheck__ __subclasscheck__ __subclasshook__ __class__
    __getattribute__ __getattr__ __hash__ __len__ __contains__ __repr__ __str__ __del__ __set_name__ __iter__
    __match_args__
""")
"""Methods with which an object made by a candidate could answer a test's questions as it likes."""
RECORDED = words("called call_count call_args call_args_list mock_calls method_calls return_value side_effect")
"""What stand-ins of tests remember of their calls."""
