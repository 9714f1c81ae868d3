"""What an engine is: the facts that decide which models it takes and how its server is started and used.

Each engine states its facts beside its settings (`llama.settings`, `vllm.settings`). The table of all engines is
`engines`.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from enum import Enum

from plum_lsp.domain.errors import PolicyUnavailable


class ModelForm(Enum):
    """The form in which an engine reads a model."""

    GGUF_FILE = "a GGUF file"
    HUGGING_FACE_FOLDER = "a Hugging Face folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """One engine. `name` stands in `--engine` and in the record of a running server, `title` in messages."""

    name: str
    title: str
    form: ModelForm
    package: str
    """The Python package that must be installed."""
    remedy: str
    """What to do where the package is missing."""
    child: str
    """The module that runs it as a child of one editor (`launch`)."""
    start_seconds: float
    """How long it may take until its first answer. Large files on slow disks need most of it."""
    shares_prompt: bool
    """Whether all candidates of a group are requested at once and share the work on their prompt."""
    adapter_at_start: bool
    """Whether the child serves the active version, with an adapter that it takes at its start."""
    takes_arguments: bool
    """Whether `policy serve` passes arguments on to it."""
    can_sleep: bool
    """Whether a server of ours can free its device while a version is trained."""

    def require(self) -> None:
        """Check that the engine is installed.

        Raises:
            PolicyUnavailable: it is not.
        """
        if importlib.util.find_spec(self.package) is None:
            raise PolicyUnavailable(f"{self.package} is not installed", remedy=self.remedy)
