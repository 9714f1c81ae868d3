"""Takes secrets out of texts before anything is written. Works on the text alone: it cannot know what is secret,
only what looks like a key, a token, a password or an address with a password in it.

Replacements keep quotes and line ends, so that code stays code. What does not look like a secret stays, and what
merely looks like one goes: a slip must hide too much, not too little.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Sampled, Synthesized, Verified
from plum_lsp.domain.learning import Outcome, Survival
from plum_lsp.domain.suggestion import Abstention, Candidate, Judged, Offer
from plum_lsp.domain.verification import Call, Equals, Holds, Prints, Raises, Shows, TestCase

REDACTED = "REDACTED"

ENTROPY_BITS_MIN = 3.5
"""Bits a character of a quoted word of 24 or more from which it counts as random; English words have under 3."""

_SHAPES = re.compile(
    r"""
      (?P<block>-----BEGIN[A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[A-Z ]*PRIVATE[ ]KEY-----|\Z))
    | (?P<token>\b(?:
          (?:AKIA|ASIA)[0-9A-Z]{16}                       # AWS access key
        | gh[pousr]_[0-9A-Za-z]{20,} | github_pat_\w{20,}  # GitHub
        | glpat-[\w-]{20,}                                # GitLab
        | xox[abeprs]-[\w-]{10,}                          # Slack
        | AIza[\w-]{30,}                                  # Google
        | sk-[\w-]{20,} | (?:sk|rk|pk)_(?:live|test)_\w{10,}  # OpenAI, Anthropic, Stripe
        | hf_[0-9A-Za-z]{20,} | pypi-[\w-]{20,} | npm_[0-9A-Za-z]{20,}
        | eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                 # JSON web token
      ))
    | (?P<address>(?<=://)[^\s:/@'"]{1,128}:[^\s:/@'"]{1,128}(?=@))
    | (?P<name>(?i:\b[\w.]*(?:passw(?:or)?d|passphrase|secret|api_?key|auth_?token|access_?token|private_?key)\w*)
        ["']?\s*(?::\s*[\w\[\], |]{1,40})?[=:]\s*(?P<quote>["']))(?P<value>[^"'\n]{6,512})(?=(?P=quote))
    """,
    re.VERBOSE | re.DOTALL,
)
_RANDOM = re.compile(r"""(?<=["'])[A-Za-z0-9+/_=-]{24,512}(?=["'])""")


def redacted(text: str) -> str:
    """The text with everything that looks like a secret replaced."""
    if len(text) < len("sk-") * 2:
        return text
    text = _SHAPES.sub(lambda match: (match["name"] or "") + REDACTED, text)
    return _RANDOM.sub(lambda match: REDACTED if _is_random(match.group()) else match.group(), text)


def redacted_fact(fact: Event | Outcome | Survival) -> Event | Outcome | Survival:
    """The event or outcome as it may be kept. Only what is written down is looked at."""
    match fact:
        case Survival():
            return replace(fact, text=redacted(fact.text))
        case Outcome():
            return fact
        case _:
            return _event(fact)


def _event(event: Event) -> Event:
    match event:
        case Prompted():
            context, prompt = event.context, event.prompt
            return replace(
                event,
                context=replace(context, before=redacted(context.before), after=redacted(context.after)),
                prompt=replace(prompt, text=redacted(prompt.text)),
            )
        case Synthesized():
            return replace(event, tests=tuple(_test(test) for test in event.tests))
        case Sampled():
            return replace(event, candidate=_candidate(event.candidate))
        case Verified():
            return replace(event, judged=_judged(event.judged))
        case Ended() if isinstance(event.result, Offer):
            offer = event.result
            tests = tuple(_test(test) for test in offer.tests)
            return replace(event, result=replace(offer, chosen=_judged(offer.chosen), tests=tests))
        case Appraised():
            return event
        case Ended():
            assert isinstance(event.result, Abstention)
            return replace(event, result=replace(event.result, detail=redacted(event.result.detail)))


def _is_random(word: str) -> bool:
    """Whether a word is drawn from many characters, digits among them."""
    if not any(character.isdigit() for character in word):
        return False
    shares = [word.count(character) / len(word) for character in set(word)]
    return -sum(share * math.log2(share) for share in shares) >= ENTROPY_BITS_MIN


def _candidate(candidate: Candidate) -> Candidate:
    completion = replace(candidate.completion, text=redacted(candidate.completion.text))
    problem = redacted(candidate.problem)
    return replace(candidate, completion=completion, text=redacted(candidate.text), problem=problem)


def _judged(judged: Judged) -> Judged:
    verdicts = tuple(replace(verdict, shown=redacted(verdict.shown)) for verdict in judged.verdicts)
    return replace(judged, verdicts=verdicts, reason=redacted(judged.reason))


def _test(test: TestCase) -> TestCase:
    call = Call(
        expression=redacted(test.call.expression),
        setup=redacted(test.call.setup),
        given=redacted(test.call.given),
        given_setup=redacted(test.call.given_setup),
    )
    expectation = test.expectation
    match expectation:
        case Equals():
            expectation = replace(
                expectation,
                expected=redacted(expectation.expected),
                setup=redacted(expectation.setup),
                derived=redacted(expectation.derived),
            )
        case Raises():
            expectation = replace(expectation, message=expectation.message and redacted(expectation.message))
        case Prints() | Shows():
            expectation = replace(expectation, text=redacted(expectation.text))
        case Holds():
            predicate, setup = redacted(expectation.predicate), redacted(expectation.setup)
            expectation = replace(expectation, predicate=predicate, setup=setup)
    return replace(test, call=call, expectation=expectation, quote=redacted(test.quote))
