"""Requests, samples and offers. Values only. The steps that make them live in their own packages."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NewType

from plum_lsp.domain.pilot import Assignment
from plum_lsp.domain.place import Place
from plum_lsp.domain.project import Project
from plum_lsp.domain.quality import Quality
from plum_lsp.domain.text import Document, Span
from plum_lsp.domain.unwanted import Unwanted
from plum_lsp.domain.verification import TestCase, Verdict, VerdictStatus

RequestId = NewType("RequestId", str)
CandidateId = NewType("CandidateId", str)
OfferId = NewType("OfferId", str)


class Trigger(enum.Enum):
    """Whether the user asked, or the editor asked while the user typed."""

    INVOKED = "invoked"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionRequest:
    """The editor's question: this document, this cursor. `deadline` is an instant in seconds of the clock port.

    `recent_rejections` counts the offers rejected in the last minute, `unwanted` is what the answer must not bring.
    `open_documents` are the other Python files that the editor has open, last edited first.
    `project` is the document's project, if its code may be executed. Otherwise, or without a project, it is None.
    `adds_imports` says that the editor can add imports to the top of the file together with an offer.
    `folders` are the editor's workspace. No other file of the project is read outside them. Empty means no workspace.
    `assignment` is the treatment in a running pilot. None: no pilot runs.
    """

    id: RequestId
    document: Document
    offset: int
    trigger: Trigger
    deadline: float
    recent_rejections: int = 0
    unwanted: Unwanted = field(default_factory=Unwanted)
    open_documents: tuple[Document, ...] = ()
    project: Project | None = None
    folders: tuple[Path, ...] = ()
    adds_imports: bool = False
    assignment: Assignment | None = None

    @property
    def is_control(self) -> bool:
        """Whether a pilot serves it without tests."""
        return self.assignment is not None and self.assignment.is_control

    @property
    def is_untested_for_good(self) -> bool:
        """Whether it is also not tested afterwards."""
        return self.assignment is not None and self.assignment.is_control and not self.assignment.is_shadow


class HoleKind(enum.Enum):
    """Where the cursor stands, which decides where a completion must end."""

    BODY = "body"
    """At the start of an empty function body. The completion ends where the body ends."""
    BLOCK = "block"
    """On an empty line inside a body with code before or after it. The completion ends where the suffix begins."""
    LINE = "line"
    """In the middle of a line. The completion ends with the line, or with the block that the line opens."""
    CLASS = "class"
    """At the start of a class body with at most a docstring. The completion ends where the class ends."""
    MODULE = "module"
    """Elsewhere outside any function. The completion ends before the next top-level definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSymbol:
    """The function or method the cursor is in. `qualified_name` is dotted through classes and functions."""

    name: str
    qualified_name: str
    class_name: str | None
    signature: str
    parameters: tuple[str, ...]
    decorators: tuple[str, ...]
    docstring: str
    is_async: bool
    is_nested: bool
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Where the completion of a hole ends: at the first line that is indented less than `indent`. `kind` says how.

    `line_head` is the text between the last line end and the cursor. `indent` is the whitespace that starts every line
    of the block (empty at module level). `unit` is one step of indentation around the cursor. `function` is the name of
    the function that the cursor is in, and `names` are its parameters. Both are empty outside a function.
    `statements_max` ends the completion after so many statements, each with the block that it opens. 0 is no limit.
    `lead` begins each candidate where the cursor stands deeper than a statement can. `line_head` is its last line then.
    """

    kind: HoleKind
    indent: str
    line_head: str
    unit: str = "    "
    function: str = ""
    names: tuple[str, ...] = ()
    statements_max: int = 0
    lead: str = ""

    @property
    def code_head(self) -> str:
        """The code left of the cursor on its line, with its indentation. Empty if there is only whitespace."""
        return self.line_head if self.line_head.strip() else ""

    @property
    def is_within_line(self) -> bool:
        """Whether the hole is the rest of a line that begins with code."""
        return self.kind is HoleKind.LINE and bool(self.code_head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of the cursor, as the context step found them.

    `before` + completion + `after` is a program that can run: the whole document if it parses, otherwise the parts of
    it that parse. `prefix` and `suffix` are the document's text cut to the token budget. All text has `\\n` line ends.
    `hole` is empty unless only whitespace follows the cursor on its line. `place` is the kind of place. In text for
    people, `quote` is what ends it (empty in a comment), and there is no program.
    """

    function: FunctionSymbol | None
    block: Block
    prefix: str
    suffix: str
    before: str
    after: str
    hole: Span
    is_excerpt: bool
    place: Place = Place.BODY
    quote: str = ""


FILE_MARK = "file_sep"
"""The control string between files of a repository: StarCoder2 (arXiv 2402.19173), Qwen2.5-Coder (arXiv 2409.12186)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FimTemplate:
    """The sentinels of a fill-in-the-middle model, in the order prefix, suffix, middle (PSM), or suffix first.

    `stop` holds every control string of the model. Each of them ends a completion.
    """

    prefix: str
    suffix: str
    middle: str
    stop: tuple[str, ...]
    is_suffix_first: bool = False

    @property
    def file_mark(self) -> str:
        """The control string before the path and text of another file.

        Empty for models that were not trained with one.
        """
        return next((control for control in self.stop if control.strip("<|>") == FILE_MARK), "")

    def filled(self, before: str, after: str) -> str:
        """The prompt for what belongs between two texts. They hold none of the control strings."""
        parts = (self.prefix + before, self.suffix + after)
        return "".join(reversed(parts) if self.is_suffix_first else parts) + self.middle


@dataclass(frozen=True, slots=True, kw_only=True)
class FimPrompt:
    """A prompt for the policy. `text` is sent verbatim. `restored` is the text that a completion silently starts with.

    `restored` is the indentation that the prompt omits, because prompts that end in spaces make completions worse.
    `template` holds the sentinels that divide `text`, if the model has any.
    """

    text: str
    stop: tuple[str, ...]
    restored: str
    block: Block
    suffix: str
    template: FimTemplate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """How to sample one group: candidate `i` uses `temperatures[i]` and seed `seed + i`."""

    temperatures: tuple[float, ...]
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """Names one base model (`model`) and adapter (`number` is 0 without one). An unknown hex sha256 is empty."""

    number: int
    model: str
    model_sha256: str
    adapter_sha256: str = ""

    @property
    def served_name(self) -> str:
        """The name in requests. Every version has a new one, because a server may cache by name."""
        return f"plum-v{self.number}" if self.number else self.model


class Finish(enum.Enum):
    """Why a completion ended."""

    STOP = "stop"
    """The policy ended it."""
    CUT = "cut"
    """The client closed the stream at the first line outside the block."""
    LENGTH = "length"
    """It reached the token limit, so its end is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The text that a policy returned for a prompt, before any trimming, with its times.

    `token_logprobs` are natural logarithms, one for each kept token. Empty if the server gives none. The times count
    from the start of the group. `is_filtered` says that the server's content filter ended the text.
    """

    index: int
    text: str
    finish: Finish
    temperature: float
    seed: int
    token_logprobs: tuple[float, ...]
    first_token_ms: float
    ended_ms: float
    is_filtered: bool = False

    @classmethod
    def written(cls, text: str, *, index: int = 0) -> Completion:
        """A completion for a text that existed before. No policy sampled it, and its times are zero."""
        return cls(
            index=index,
            text=text,
            finish=Finish.STOP,
            temperature=0.0,
            seed=0,
            token_logprobs=(),
            first_token_ms=0.0,
            ended_ms=0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """Why agreement of candidates is no evidence about one of them. `tier` is its best one without a specification."""

    reason: str
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A completion made fit to insert at the cursor: trimmed, parsed, deduplicated.

    `fingerprint` is equal for candidates that differ only in layout, comments or docstrings. `problem` says why it
    cannot be offered ("does not parse: …"), as far as reading shows. `mean_logprob` is None without log-probabilities.
    It is run and offered with `imports` at the top of the file, which lacks them. `ending` is run behind it, only.
    """

    id: CandidateId
    completion: Completion
    text: str
    fingerprint: str
    problem: str
    mean_logprob: float | None
    policy_version: PolicyVersion
    weakness: Weakness | None = None
    imports: tuple[str, ...] = ()
    ending: str = ""


class Tier(enum.Enum):
    """How strong the evidence for an offer is. See the glossary. The strongest member comes first."""

    VERIFIED = "verified"
    CONSISTENT = "consistent"
    CHECKED = "checked"
    UNVERIFIED = "unverified"


def is_refuted(tier: Tier | None, verdicts: Iterable[Verdict]) -> bool:
    """Whether a test that is not itself in doubt showed a candidate wrong. Such a candidate is never offered.

    If a `consistent` candidate failed a test, its whole group contradicts that example, and the example is in doubt.
    """
    return tier is not Tier.CONSISTENT and any(not verdict.is_pass for verdict in verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate with everything known about it: its verdicts, what the static checks said, its tier and score.

    `probability` is the calibrated chance that it is right, `strength` the share of wrong variants of it that the
    evidence tells apart. Both are in [0, 1], or None if they were not estimated. `has_run` says that its program ran in
    the sandbox: on tests, on generated inputs, or only to check that it loads. `undecided` counts the tests that had no
    verdict, because the candidate answered with objects that only it knows. Such a candidate is never `verified`.
    `is_contradicted` says that one other candidate contradicts it, with no test and no third one to decide.
    `goes_on` says that it is one statement of a function that goes on behind it, so that no test can tell yet.
    """

    candidate: Candidate
    verdicts: tuple[Verdict, ...]
    tier: Tier
    score: float
    reason: str
    probability: float | None = None
    strength: float | None = None
    quality: Quality | None = None
    has_run: bool = False
    undecided: int = 0
    is_contradicted: bool = False
    goes_on: bool = False

    @property
    def is_refuted(self) -> bool:
        """Whether a test showed it wrong. See `is_refuted`."""
        return is_refuted(self.tier, self.verdicts)

    @property
    def label(self) -> tuple[Tier, str, str]:
        """What people are told of it: tier, reason, and the probability as it is shown."""
        return self.tier, self.reason, "" if self.probability is None else f"{self.probability:.0%}"

    @property
    def ran_out(self) -> bool:
        """Whether it ran out of time on a test."""
        return any(verdict.status is VerdictStatus.TIMED_OUT for verdict in self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The candidate that the user sees, its evidence, and the other candidates that could replace it."""

    id: OfferId
    request_id: RequestId
    hole: Span
    chosen: Judged
    alternatives: tuple[Judged, ...]
    tests: tuple[TestCase, ...]

    @property
    def text(self) -> str:
        """The text that replaces `hole`."""
        return self.chosen.candidate.text


class AbstentionReason(enum.Enum):
    """Why there is no offer."""

    NOTHING_TO_COMPLETE = "nothing_to_complete"
    POLICY_UNAVAILABLE = "policy_unavailable"
    POLICY_SILENT = "policy_silent"
    NO_VALID_CANDIDATE = "no_valid_candidate"
    ALL_FAILED = "all_failed"
    DEADLINE = "deadline"
    TIER_NOT_OFFERED = "tier_not_offered"
    TOO_UNSURE = "too_unsure"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    SANDBOX_FAILED = "sandbox_failed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    """There was an offer, and later evidence spoke against it."""
    EXCLUDED = "excluded"
    PAUSED = "paused"
    TEXT_UNKNOWN = "text_unknown"
    """A change of the document could not be read, so its text in the editor is not known."""
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """The decision to make no offer, with the reason in one sentence for the user."""

    request_id: RequestId
    reason: AbstentionReason
    detail: str
