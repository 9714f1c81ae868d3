"""What the tables share: one server for all cases of a module."""

from __future__ import annotations

from support.cases import desk

__all__ = ["desk"]
