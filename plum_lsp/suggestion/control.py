"""What a pilot changes about a request of its control: one sample, no test before it, shown as `unverified`. Pure.

A control request stands for a tool that completes code without running it. It gets what such a tool shows: the first
sample that parses. The rule that holds back what the user would probably reject is based on tests, so it does not
apply. The threshold on the model's own confidence does.
"""

from __future__ import annotations

from dataclasses import replace

from plum_lsp.domain.pilot import Arm, Assignment, Pilot, arm_of
from plum_lsp.domain.suggestion import Context, SuggestionRequest, Tier, Trigger
from plum_lsp.suggestion.plan import Plan
from plum_lsp.suggestion.showing import ShowRule

_ANY_CHANCE = 1e-9
"""A probability of acceptance that every offer reaches."""


def assignment(pilot: Pilot, request: SuggestionRequest, *, day: str) -> Assignment:
    """The treatment of a request on a UTC date. A user who asks for a suggestion gets a tested one."""
    is_asked = request.trigger is Trigger.INVOKED
    arm = Arm.OUTSIDE if is_asked else arm_of(pilot, request.document.uri, day)
    return Assignment(pilot=pilot.id, name=pilot.plan.name, arm=arm, is_shadow=pilot.plan.is_shadow)


def without_text(request: SuggestionRequest, context: Context) -> SuggestionRequest:
    """The request, taken out of the comparison if it is for text in a comment or a docstring. Such text never runs."""
    if request.assignment is None or not context.place.is_prose:
        return request
    return replace(request, assignment=replace(request.assignment, arm=Arm.OUTSIDE))


def one_sample(plan: Plan) -> Plan:
    """The plan with its first sample alone, which nothing is compared with."""
    first = replace(plan.sampling, temperatures=plan.sampling.temperatures[:1])
    return replace(plan, sampling=first, is_alone=True)


def untested_in(assigned: Assignment) -> str:
    """Why a control candidate did not run, in words."""
    return f"the pilot {assigned.name} shows it without tests"


def shown_of(request: SuggestionRequest, tiers: tuple[Tier, ...], show: ShowRule) -> tuple[tuple[Tier, ...], ShowRule]:
    """The tiers that are offered, and the rule that may hold an offer back."""
    if not request.is_control:
        return tiers, show
    return (Tier.UNVERIFIED,), replace(show, probability_min=min(show.probability_min, _ANY_CHANCE))


def is_recorded_later(request: SuggestionRequest) -> bool:
    """Whether the record is completed after the answer. That of a control request is only in a shadow pilot."""
    return not request.is_control or (request.assignment is not None and request.assignment.is_shadow)
