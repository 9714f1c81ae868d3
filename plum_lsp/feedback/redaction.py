"""Removes secrets from texts before they are stored.

`sensitive` knows what a secret looks like. Replacements keep quotes and line ends, so that code stays valid. The whole
document is read before it is cut to a window, so that a secret is also known if the window holds only a part of it.
Texts that are made from the document (prompt, candidates, tests, shown values) are searched for its secrets.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Revised, Sampled, Supported, Synthesized, Verified
from plum_lsp.domain.learning import Outcome, Survival
from plum_lsp.domain.suggestion import Abstention, Candidate, Judged, Offer, OfferId, RequestId
from plum_lsp.domain.verification import Call, Equals, Holds, Prints, Raises, Shows, TestCase
from plum_lsp.feedback.sensitive import find_secrets

REDACTED = "REDACTED"

VALUE_LENGTH_MIN = 8
"""Shorter secrets are hidden only where they were found, because the same text elsewhere may be a word of the code."""
VALUES_MAX = 256
"""The most secrets of one document that are searched for in texts made from it. Each costs a search."""
FRAGMENT_LENGTH = 20
"""This much of the start or the end of a secret is recognised in a text that was cut."""
REQUESTS_MAX, OFFERS_MAX = 64, 512
"""Requests and offers for which the secrets are remembered. An offer's outcome may come minutes later."""
HEAD_LENGTH_MAX = 2_000
"""The length of text before the cursor that is used to decide whether a candidate begins with a secret."""


def redacted(text: str) -> str:
    """The text, with every part that looks like a secret replaced."""
    return _without(text, find_secrets(text))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], REDACTED]
        position = end
    return "".join([*pieces, text[position:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """The secrets of a document. `values` are searched for in every text that is made from it.

    `head` is the end of the text before the cursor.
    """

    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    values: tuple[str, ...] = ()
    head: str = ""

    @classmethod
    def of(cls, text: str, *, cursor: int = 0) -> Hidden:
        """Read a document."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        spans = find_secrets(text)
        values = {text[start:end] for start, end in spans}
        values |= {line.strip() for value in values if "\n" in value for line in value.splitlines()}
        known = sorted((value for value in values if _is_telling(value)), key=len, reverse=True)
        head = text[max(0, cursor - HEAD_LENGTH_MAX) : cursor]
        return cls(text=text, spans=tuple(spans), values=tuple(known[:VALUES_MAX]), head=head[head.find("\n") + 1 :])

    def clean(self, text: str) -> str:
        """A text made from the document, without the document's secrets and without parts that look like secrets."""
        if text and text in (self.text[: len(text)], self.text[-len(text) :]):
            start = 0 if self.text.startswith(text) else len(self.text) - len(text)
            inside = [(max(0, a - start), min(len(text), b - start)) for a, b in self.spans]
            return _without(text, [(a, b) for a, b in inside if a < b])
        for value in self.values:
            text = _without_value(text, value)
        return redacted(text)

    def clean_after_head(self, text: str) -> str:
        """Clean a text at the cursor. The text before the cursor may show that it begins with a secret."""
        text = self.clean(text)
        whole = self.head + text
        at = len(self.head)
        return _without(text, [(max(0, a - at), b - at) for a, b in find_secrets(whole) if b > at])


def _is_telling(value: str) -> bool:
    """Whether a secret is recognisable without its context."""
    return len(value) >= VALUE_LENGTH_MIN and not value.isalpha()


def _without_value(text: str, value: str) -> str:
    """The text without a secret, and without a part of it that a cut left."""
    text = text.replace(value, REDACTED)
    if len(value) < 2 * FRAGMENT_LENGTH:
        return text
    at = text.find(value[-FRAGMENT_LENGTH:])
    if at >= 0:
        start, rest = at, value[:-FRAGMENT_LENGTH]
        while start > 0 and rest and text[start - 1] == rest[-1]:
            start, rest = start - 1, rest[:-1]
        text = text[:start] + REDACTED + text[at + FRAGMENT_LENGTH :]
    at = text.find(value[:FRAGMENT_LENGTH])
    if at >= 0:
        end, place = at + FRAGMENT_LENGTH, FRAGMENT_LENGTH
        while end < len(text) and place < len(value) and text[end] == value[place]:
            end, place = end + 1, place + 1
        text = text[:at] + REDACTED + text[end:]
    return text


NOTHING_HIDDEN = Hidden()


class Redactor:
    """Cleans the facts of a store one after the other. It remembers the secrets of each request's document.

    Only the writer thread may use it.
    """

    def __init__(self) -> None:
        self._requests: OrderedDict[RequestId, Hidden] = OrderedDict()
        self._offers: OrderedDict[OfferId, Hidden] = OrderedDict()

    def __call__(self, fact: Event | Outcome | Survival) -> Event | Outcome | Survival:
        """The event or outcome in the form that may be stored. Only stored fields are cleaned."""
        match fact:
            case Survival():
                hidden = self._offers.get(fact.offer_id, NOTHING_HIDDEN)
                return replace(fact, text=hidden.clean_after_head(fact.text))
            case Outcome() | Appraised() | Revised():
                return fact
            case Prompted():
                hidden = Hidden.of(fact.request.document.text, cursor=fact.request.offset)
                _remember(self._requests, fact.request.id, hidden, most=REQUESTS_MAX)
                return _prompted(fact, hidden)
            case _:
                hidden = self._requests.get(fact.request_id, NOTHING_HIDDEN)
                if isinstance(fact, Ended) and isinstance(fact.result, Offer):
                    _remember(self._offers, fact.result.id, hidden, most=OFFERS_MAX)
                return _event(fact, hidden)


def redacted_fact(fact: Event | Outcome | Survival) -> Event | Outcome | Survival:
    """The event or outcome in the form that may be stored, without knowledge of earlier events."""
    return Redactor()(fact)


_Key = TypeVar("_Key")


def _remember(known: OrderedDict[_Key, Hidden], key: _Key, hidden: Hidden, *, most: int) -> None:
    """Remember the secrets without the text, which only the prompt needs."""
    known[key] = replace(hidden, text="", spans=())
    while len(known) > most:
        known.popitem(last=False)


def _prompted(event: Prompted, hidden: Hidden) -> Prompted:
    context, prompt = event.context, event.prompt
    return replace(
        event,
        context=replace(context, before=hidden.clean(context.before), after=hidden.clean(context.after)),
        prompt=replace(prompt, text=hidden.clean(prompt.text)),
    )


def _event(event: Synthesized | Sampled | Verified | Supported | Ended, hidden: Hidden) -> Event:
    match event:
        case Synthesized():
            return replace(event, tests=tuple(_test(test, hidden) for test in event.tests))
        case Sampled():
            return replace(event, candidate=_candidate(event.candidate, hidden))
        case Verified():
            return replace(event, judged=_judged(event.judged, hidden))
        case Supported():
            tests = tuple(_test(test, hidden) for test in event.tests)
            return replace(event, tests=tests, judged=tuple(_judged(one, hidden) for one in event.judged))
        case Ended() if isinstance(event.result, Offer):
            offer = event.result
            tests = tuple(_test(test, hidden) for test in offer.tests)
            return replace(event, result=replace(offer, chosen=_judged(offer.chosen, hidden), tests=tests))
        case Ended():
            assert isinstance(event.result, Abstention)
            return replace(event, result=replace(event.result, detail=hidden.clean(event.result.detail)))


def _candidate(candidate: Candidate, hidden: Hidden) -> Candidate:
    completion = replace(candidate.completion, text=hidden.clean_after_head(candidate.completion.text))
    problem = hidden.clean(candidate.problem)
    return replace(candidate, completion=completion, text=hidden.clean_after_head(candidate.text), problem=problem)


def _judged(judged: Judged, hidden: Hidden) -> Judged:
    verdicts = tuple(replace(verdict, shown=hidden.clean(verdict.shown)) for verdict in judged.verdicts)
    return replace(judged, verdicts=verdicts, reason=hidden.clean(judged.reason))


def _test(test: TestCase, hidden: Hidden) -> TestCase:
    clean = hidden.clean
    expectation = test.expectation
    match expectation:
        case Equals():
            expected, setup, derived = map(clean, (expectation.expected, expectation.setup, expectation.derived))
            expectation = replace(expectation, expected=expected, setup=setup, derived=derived)
        case Raises():
            message, pattern = expectation.message and clean(expectation.message), expectation.pattern
            expectation = replace(expectation, message=message, pattern=pattern and clean(pattern))
        case Prints() | Shows():
            expectation = replace(expectation, text=clean(expectation.text))
        case Holds():
            predicate, setup = clean(expectation.predicate), clean(expectation.setup)
            expectation = replace(expectation, predicate=predicate, setup=setup)
    call = Call(
        expression=clean(test.call.expression),
        setup=clean(test.call.setup),
        given=clean(test.call.given),
        given_setup=clean(test.call.given_setup),
    )
    return replace(test, call=call, expectation=expectation, quote=clean(test.quote))
