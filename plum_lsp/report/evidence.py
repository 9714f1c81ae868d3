"""Explains an offer or an abstention as plain text, Markdown and plain data. It does not know LSP.

Candidates, tests and their results are untrusted text. In text for people, each of them goes through `domain.display`.
"""

from __future__ import annotations

import dataclasses

from plum_lsp.domain.display import markdown_block, markdown_span, markdown_text, one_line, visible
from plum_lsp.domain.suggestion import Abstention, Offer
from plum_lsp.domain.verification import TestCase, Verdict
from plum_lsp.report.installation import as_typed_here
from plum_lsp.report.marks import VERDICT
from plum_lsp.verification.quality import quality_words

SHOWN_CHARACTERS_MAX = 60
"""The shown part of a test's result. The data holds all of it."""
TESTS_SHOWN_MAX = 12
"""Documentation pop-ups hold about this many lines without scrolling."""


def evidence_text(result: Offer | Abstention) -> str:
    """The evidence for an offer, or the reason for an abstention, as plain text."""
    if isinstance(result, Abstention):
        return f"nothing offered: {one_line(as_typed_here(result.detail))}"
    lines = [f"{result.chosen.tier.value}: {one_line(result.chosen.reason)}{_likely(result)}"]
    for test, verdict in _shown(result):
        gave = f", gave {_cut(verdict.shown)}" if verdict.shown.strip() else ""
        lines.append(f"  {VERDICT[verdict.status].sign} {one_line(test.quote)} [{test.origin.words}{gave}]")
    if more := _tested(result)[TESTS_SHOWN_MAX:]:
        lines.append(f"  … and {len(more)} more")
    if result.chosen.quality is not None:
        lines.append(one_line(quality_words(result.chosen.quality)))
    if result.alternatives:
        lines.append(f"other candidates: {len(result.alternatives)}")
    return "\n".join(lines)


def evidence_markdown(result: Offer | Abstention) -> str:
    """The same as Markdown: the tier and each test. Untrusted text becomes inline code or ordinary words."""
    if isinstance(result, Abstention):
        return f"nothing offered: {markdown_text(as_typed_here(result.detail))}"
    lines = [f"**{result.chosen.tier.value}**: {markdown_text(result.chosen.reason + _likely(result))}", ""]
    for test, verdict in _shown(result):
        gave = f" gave {markdown_span(_cut(verdict.shown))}" if verdict.shown.strip() else ""
        lines.append(f"- {VERDICT[verdict.status].sign} {markdown_span(test.quote)}{gave} ({test.origin.words})")
    if more := _tested(result)[TESTS_SHOWN_MAX:]:
        lines.append(f"- … and {len(more)} more")
    if result.chosen.quality is not None:
        lines += ["", f"Quality: {markdown_text(quality_words(result.chosen.quality))}"]
    version = result.chosen.candidate.policy_version
    return "\n".join([*lines, "", f"Model {markdown_span(version.model)}, version {version.number}"])


def explanation(result: Offer | Abstention | None) -> dict[str, object]:
    """The answer of `plum.explain`: the evidence in three forms. `result` is None if there was no request yet."""
    if result is None:
        told = "No suggestion has been requested yet."
        return {"kind": "nothing", "text": told, "markdown": told}
    return {"text": evidence_text(result), "markdown": evidence_markdown(result), **evidence_data(result)}


def documentation_markdown(offer: Offer) -> str:
    """The code that would be inserted and the evidence for it, for a menu that shows Markdown."""
    return f"{markdown_block(offer.text.rstrip(), 'python')}\n\n{evidence_markdown(offer)}"


def documentation_text(offer: Offer) -> str:
    """The same as plain text: first the evidence, then the code, indented so that it never looks like evidence."""
    code = "\n".join("    " + visible(line) for line in offer.text.rstrip().splitlines())
    return f"{evidence_text(offer)}\n\n{code}"


def evidence_data(result: Offer | Abstention) -> dict[str, object]:
    """The evidence as plain data, for editors that draw it themselves. docs/protocol.md documents it."""
    if isinstance(result, Abstention):
        return {"kind": "abstention", "reason": result.reason.value, "detail": as_typed_here(result.detail)}
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
    """The estimated probability that the offer is right, in words. Empty if there is no estimate."""
    return f"; about {offer.chosen.probability:.0%} likely to be right" if offer.chosen.probability is not None else ""


def _cut(shown: str) -> str:
    """The beginning of a test's result."""
    return one_line(shown[: 4 * SHOWN_CHARACTERS_MAX])[:SHOWN_CHARACTERS_MAX]


def _tested(offer: Offer) -> list[tuple[TestCase, Verdict]]:
    """The tests of the offered candidate, with their verdicts."""
    tests = {test.id: test for test in offer.tests}
    return [(tests[verdict.test_id], verdict) for verdict in offer.chosen.verdicts if verdict.test_id in tests]


def _shown(offer: Offer) -> list[tuple[TestCase, Verdict]]:
    return _tested(offer)[:TESTS_SHOWN_MAX]
