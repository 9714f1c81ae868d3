"""Finds expressions that call a special method: `a + b` calls `__add__`, `x in a` calls `__contains__`. Pure."""

from __future__ import annotations

import ast
import builtins

_COMPARISONS: dict[str, tuple[type[ast.cmpop], ...]] = {
    "__eq__": (ast.Eq, ast.NotEq, ast.In, ast.NotIn),
    "__ne__": (ast.NotEq,),
    "__lt__": (ast.Lt, ast.Gt),
    "__gt__": (ast.Gt, ast.Lt),
    "__le__": (ast.LtE, ast.GtE),
    "__ge__": (ast.GtE, ast.LtE),
    "__contains__": (ast.In, ast.NotIn),
}
_BINARY: dict[str, type[ast.operator]] = {
    "add": ast.Add,
    "sub": ast.Sub,
    "mul": ast.Mult,
    "matmul": ast.MatMult,
    "truediv": ast.Div,
    "floordiv": ast.FloorDiv,
    "mod": ast.Mod,
    "pow": ast.Pow,
    "lshift": ast.LShift,
    "rshift": ast.RShift,
    "and": ast.BitAnd,
    "or": ast.BitOr,
    "xor": ast.BitXor,
}
_UNARY: dict[str, type[ast.unaryop]] = {"__neg__": ast.USub, "__pos__": ast.UAdd, "__invert__": ast.Invert}
_FUNCTIONS = {
    "__len__": ("len", "bool"),
    "__bool__": ("bool",),
    "__str__": ("str", "format"),
    "__repr__": ("repr", "str", "format"),
    "__format__": ("format",),
    "__hash__": ("hash",),
    "__abs__": ("abs",),
    "__int__": ("int",),
    "__index__": ("int", "hex", "bin", "oct"),
    "__float__": ("float",),
    "__complex__": ("complex",),
    "__round__": ("round",),
    "__bytes__": ("bytes",),
    "__divmod__": ("divmod",),
    "__reversed__": ("reversed",),
    "__iter__": ("list", "tuple", "set", "sorted", "sum", "dict", "iter", "next", "min", "max", "enumerate"),
    "__next__": ("next", "list", "tuple"),
    "__dir__": ("dir",),
}


def is_used(tree: ast.AST, method: str) -> bool:
    """Whether code calls the special method of this name, also in a statement: `x[0] = 1`, `with x:`, `f"{x}"`."""
    return any(
        (isinstance(node, ast.expr) and is_operation(node, method)) or method in _in_statement(node)
        for node in ast.walk(tree)
    )


def _in_statement(node: ast.AST) -> tuple[str, ...]:
    """The special methods that a node calls by its form, where that is no expression."""
    match node:
        case ast.AugAssign(op=operation):
            names = [name for name, operator in _BINARY.items() if isinstance(operation, operator)]
            return tuple(f"__{kind}{name}__" for name in names for kind in ("", "i", "r"))
        case ast.Subscript(ctx=ast.Store()):
            return ("__setitem__",)
        case ast.Subscript(ctx=ast.Del()):
            return ("__delitem__",)
        case ast.With() | ast.AsyncWith():
            return ("__enter__", "__exit__", "__aenter__", "__aexit__")
        case ast.For() | ast.AsyncFor() | ast.comprehension() | ast.Starred():
            return ("__iter__", "__next__", "__getitem__", "__aiter__", "__anext__")
        case ast.JoinedStr():
            return ("__str__", "__format__", "__repr__")
        case ast.Call(func=ast.Name(id="print")):
            return ("__str__", "__repr__")
        case ast.Compare(ops=operators) if len(operators) > 1:
            return tuple(_COMPARISONS)
    return ()


def is_operation(tree: ast.expr, method: str) -> bool:
    """Whether an expression calls the special method of this name, as far as its form tells."""
    if not (method.startswith("__") and method.endswith("__")):
        return False
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        return isinstance(tree.ops[0], _COMPARISONS.get(method, ()))
    if isinstance(tree, ast.BinOp):
        names = [name for name, operator in _BINARY.items() if isinstance(tree.op, operator)]
        return any(method in (f"__{name}__", f"__r{name}__", f"__i{name}__") for name in names)
    if isinstance(tree, ast.UnaryOp):
        is_truth = isinstance(tree.op, ast.Not) and method in {"__bool__", "__len__"}
        return is_truth or isinstance(tree.op, _UNARY.get(method, ()))
    if isinstance(tree, ast.Subscript):
        return method in {"__getitem__", "__class_getitem__", "__missing__"}
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        return False
    is_function = tree.func.id in _FUNCTIONS.get(method, ())
    return is_function or (method == "__call__" and tree.func.id[:1].islower() and tree.func.id not in dir(builtins))
