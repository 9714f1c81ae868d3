"""The sandbox of a project, for modules that make one and have no `sandbox` of their own."""

from __future__ import annotations

from support.documents import sandbox

__all__ = ["sandbox"]
