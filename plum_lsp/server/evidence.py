"""Says in words why an offer was made or not: plain text, Markdown and plain data. Does not know LSP."""

from __future__ import annotations

import dataclasses

from plum_lsp.domain.suggestion import Abstention, Offer
from plum_lsp.domain.verification import Origin, TestCase, Verdict, VerdictStatus
from plum_lsp.quality.appraise import quality_words

_MARK = {
    VerdictStatus.PASSED: "✓",
    VerdictStatus.FAILED: "✗",
    VerdictStatus.ERRORED: "✗",
    VerdictStatus.TIMED_OUT: "⏱",
    VerdictStatus.OVER_LIMIT: "▲",
}
_ORIGIN = {
    Origin.PROJECT: "the project's test",
    Origin.DOCTEST: "doctest",
    Origin.EXAMPLE: "example",
    Origin.GENERATED: "generated",
    Origin.SAMPLED: "written by the policy",
}
SHOWN_CHARACTERS_MAX = 60
"""Of what a test gave; the whole of it is in the data."""
TESTS_SHOWN_MAX = 12
"""Documentation pop-ups hold about this many lines without scrolling."""


def evidence_text(result: Offer | Abstention) -> str:
    """The evidence for an offer, or the reason for an abstention, as plain text."""
    if isinstance(result, Abstention):
        return f"nothing offered ({result.reason.value}): {result.detail}"
    lines = [f"{result.chosen.tier.value}: {result.chosen.reason}{_likely(result)}"]
    lines += [
        f"  {_MARK[verdict.status]} {_one_line(test.quote)} [{_gave(test, verdict)}]"
        for test, verdict in _shown(result)
    ]
    if more := _tested(result)[TESTS_SHOWN_MAX:]:
        lines.append(f"  … and {len(more)} more")
    if result.chosen.quality is not None:
        lines.append(quality_words(result.chosen.quality))
    if result.alternatives:
        lines.append(f"other candidates that could stand in: {len(result.alternatives)}")
    return "\n".join(lines)


def evidence_markdown(offer: Offer) -> str:
    """The evidence for an offer as Markdown: the code that would be inserted, its tier, and each test."""
    fence = "~~~" if "```" in offer.text else "```"
    lines = [f"{fence}python", offer.text.rstrip("\n"), fence, "", f"**{offer.chosen.tier.value}**: "]
    lines[-1] += _escaped(offer.chosen.reason + _likely(offer))
    tests = _shown(offer)
    if tests:
        lines.append("")
    lines += [
        f"- {_MARK[verdict.status]} {_code(test.quote)}: {_escaped(_gave(test, verdict))}" for test, verdict in tests
    ]
    if more := _tested(offer)[TESTS_SHOWN_MAX:]:
        lines.append(f"- … and {len(more)} more")
    if offer.chosen.quality is not None:
        lines += ["", _escaped(quality_words(offer.chosen.quality))]
    return "\n".join(lines)


def evidence_data(result: Offer | Abstention) -> dict[str, object]:
    """The evidence as plain data, for editors that draw it themselves; documented in docs/protocol.md."""
    if isinstance(result, Abstention):
        return {"kind": "abstention", "reason": result.reason.value, "detail": result.detail}
    version = result.chosen.candidate.policy_version
    return {
        "kind": "offer",
        "offer": result.id,
        "tier": result.chosen.tier.value,
        "reason": result.chosen.reason,
        "probability": result.chosen.probability,
        "tests": [
            {
                "origin": test.origin.value,
                "quote": test.quote,
                "status": verdict.status.value,
                "shown": verdict.shown,
            }
            for test, verdict in _tested(result)
        ],
        "quality": dataclasses.asdict(result.chosen.quality) if result.chosen.quality is not None else None,
        "alternatives": len(result.alternatives),
        "policy": {"version": version.number, "model": version.model},
    }


def _likely(offer: Offer) -> str:
    """The estimated probability that the offer is right, in words; empty where there is none."""
    return f"; about {offer.chosen.probability:.0%} likely to be right" if offer.chosen.probability is not None else ""


def _gave(test: TestCase, verdict: Verdict) -> str:
    """Where a test came from and what it gave."""
    shown = _one_line(verdict.shown)
    return f"{_ORIGIN[test.origin]}, gave {shown[:SHOWN_CHARACTERS_MAX]}" if shown else _ORIGIN[test.origin]


def _tested(offer: Offer) -> list[tuple[TestCase, Verdict]]:
    """The tests that the offered candidate was judged on, with their verdicts."""
    tests = {test.id: test for test in offer.tests}
    return [(tests[verdict.test_id], verdict) for verdict in offer.chosen.verdicts if verdict.test_id in tests]


def _shown(offer: Offer) -> list[tuple[TestCase, Verdict]]:
    return _tested(offer)[:TESTS_SHOWN_MAX]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    """`text` as one line of inline code, whatever back-quotes it holds (CommonMark 0.31, "Code spans")."""
    text = _one_line(text)
    quotes = "`"
    while quotes in text:
        quotes += "`"
    return f"{quotes} {text} {quotes}" if "`" in text else f"`{text}`"


def _escaped(text: str) -> str:
    """`text` so that Markdown shows it as it is."""
    return "".join("\\" + character if character in "\\`*_{}[]<>#|" else character for character in text)
