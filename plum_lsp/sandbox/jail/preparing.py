"""Prepares a zygote for its children besides modules: a document, imported with its hole unfilled.

The module runs the project's own code, in a zygote. It never runs a candidate's code.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from . import documents, testing

_PROBLEM_MAX = 2000
_NAMES_MAX = 2000
_FILES_MAX = 1000
"""Imported files that are reported, so that the host notices a change of one."""


class Prepared:
    """The prepared state. It grows from zygote to branch."""

    def __init__(self) -> None:
        self.document: documents.Loaded | None = None
        self.session: testing.Session | None = None

    def prepare(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what a branch was ordered to do. Problems are reported, and the branch goes on."""
        sys.path[:0] = [path for path in order["paths"] if path not in sys.path]
        if os.path.isdir(order["folder"]):
            os.chdir(order["folder"])
        problem = ""
        try:
            for name in order["imports"]:
                import_module(name)
            if order["module"] is not None:
                self.document = documents.Loaded(
                    order["module"], order["source"], order["hole_line"], yields=order["yields"]
                )
            if order["tests"] and self.document is not None:
                with self.document.noting_calls():
                    self.session = testing.Session(order["folder"], order["tests"], self.document.path, [])
        except BaseException as error:  # noqa: BLE001 (a project's code may raise anything)
            problem = (type(error).__name__ + ": " + str(error))[:_PROBLEM_MAX]
        names = self.session.names[:_NAMES_MAX] if self.session is not None else []
        return {"problem": problem, "files": imported_files(), "tests": names}

    def settle(self) -> None:
        """Finish preparing. No further module is imported here."""
        if self.document is not None:
            self.document.gather()


def imported_files() -> list[list[Any]]:
    """The files of modules, with the data that shows a change. Files of installed packages are left out."""
    found: list[list[Any]] = []
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and "-packages" not in path and not path.startswith(sys.prefix + os.sep):
            try:
                state = os.stat(path)
            except OSError:
                continue
            found.append([path, state.st_mtime_ns, state.st_size])
    return found[:_FILES_MAX]
