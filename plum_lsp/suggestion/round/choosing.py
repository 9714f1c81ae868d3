"""Chooses the answer of a request from its judged candidates, and names the cause if there is none. Pure."""

from __future__ import annotations

import uuid
from dataclasses import replace

from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, OfferId, Tier, Trigger
from plum_lsp.suggestion.round.values import Gathered
from plum_lsp.suggestion.showing import ShowRule, shown_or_silent
from plum_lsp.verification.excerpts import labelled
from plum_lsp.verification.rank import choose

NOT_SELECTED = "No candidate goes on from the entry that is selected in the menu."
JUST_TURNED_DOWN = "What would be suggested here was just closed, deleted or withdrawn."


def chosen(answer: Gathered, *, tiers: tuple[Tier, ...], show: ShowRule) -> Offer | Abstention:
    """The offer that the group supports, or an abstention. It names an outside cause if there was one."""
    unwanted = answer.unwanted
    group = [labelled(answer.judge, judged) for judged in answer.judged if judged.candidate.fingerprint not in unwanted]
    if unwanted and not any(not judged.is_refuted for judged in group):
        is_asked = answer.request.trigger is Trigger.INVOKED
        detail = "There is no other candidate that passes." if is_asked else JUST_TURNED_DOWN
        detail = detail if answer.request.unwanted.selected is None else NOT_SELECTED
        return Abstention(request_id=answer.request.id, reason=AbstentionReason.NO_VALID_CANDIDATE, detail=detail)
    result = choose(
        group,
        request_id=answer.request.id,
        offer_id=OfferId(uuid.uuid4().hex),
        hole=answer.context.hole,
        tests=answer.tests,
        tiers=_tiers(answer, tiers),
        checked_min=answer.checked_min,
    )
    if isinstance(result, Offer):
        return shown_or_silent(result, answer.request, show)
    if any(judged.is_refuted for judged in answer.judged):
        return result
    if answer.context.place.is_prose and answer.judged and result.reason is AbstentionReason.NO_VALID_CANDIDATE:
        return abstained(result, result.reason, f"The model adds nothing to this {answer.context.place.value}.")
    if not answer.judged and answer.policy_problem:
        return abstained(result, AbstentionReason.POLICY_UNAVAILABLE, answer.policy_problem)
    if not answer.judged and answer.is_late:
        return abstained(
            result, AbstentionReason.DEADLINE, why_late(answer.round.plan.seconds_max, has_arrived=answer.has_arrived)
        )
    if (problem := answer.judge.sandbox.problem) and not answer.context.place.is_prose:
        return abstained(result, AbstentionReason.SANDBOX_UNAVAILABLE, problem)
    return result


def why_late(seconds: float | None, *, has_arrived: bool) -> str:
    """Why no candidate was judged within so many seconds, in words: the model was slow, or the tests were."""
    if seconds is None:
        return "No candidate was complete and tested before the deadline."
    late = "What the model wrote was not checked" if has_arrived else "The model wrote no complete text"
    return f"{late} in {seconds:.0f} s. Ask for a suggestion to give it more time."


def revised(
    later: Gathered, offer: Offer, *, tiers: tuple[Tier, ...], show: ShowRule
) -> tuple[Offer | Abstention, bool]:
    """What the whole group says of an early offer: the offer with its label, or that it is withdrawn.

    The second value says whether another candidate is worth an offer. The offer stays as long as none has a stronger
    label, because people read what is on the screen.
    """
    best = chosen(later, tiers=tiers, show=show)
    own = offer.chosen.candidate.id
    offered = (best.chosen, *best.alternatives) if isinstance(best, Offer) else ()
    kept = next((one for one in offered if one.candidate.id == own and one.tier is offered[0].tier), None)
    if isinstance(best, Offer) and kept is not None:
        others = tuple(one for one in offered if one is not kept)
        return replace(
            best, id=offer.id, chosen=replace(kept, strength=offer.chosen.strength), alternatives=others
        ), False
    now = next((labelled(later.judge, one) for one in later.judged if one.candidate.id == own), offer.chosen)
    detail = f"Withdrawn: {now.reason}."
    return abstained(offer, AbstentionReason.WITHDRAWN, detail), isinstance(best, Offer)


def _tiers(answer: Gathered, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """The tiers that are offered. Text for people has no better one than `unverified`, and is shown as that.

    A user who wants more than `checked` code does not want it. A control request of a pilot has no tested candidate.
    """
    if answer.request.is_control:
        return (Tier.UNVERIFIED,)
    return (*tiers, Tier.UNVERIFIED) if answer.context.place.is_prose and Tier.CHECKED in tiers else tiers


def abstained(result: Offer | Abstention, reason: AbstentionReason, detail: str) -> Abstention:
    """An abstention from the same request, for another reason."""
    return Abstention(request_id=result.request_id, reason=reason, detail=detail)
