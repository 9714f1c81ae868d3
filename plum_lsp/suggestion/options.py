"""Derives the options of the pipeline from the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plum_lsp.config import Settings, data_dir_if_any
from plum_lsp.config.folder import exploration_file
from plum_lsp.domain.suggestion import FimTemplate, PolicyVersion, SamplingOptions, Tier
from plum_lsp.domain.verification import Limits
from plum_lsp.feedback.exploration import Exploration, exploration_of
from plum_lsp.policy.client.connection import is_loopback
from plum_lsp.policy.client.ladder import temperature_ladder
from plum_lsp.policy.models.families import template_for
from plum_lsp.suggestion.showing import ShowRule
from plum_lsp.suggestion.survey import Budget
from plum_lsp.verification.options import limits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """The settings of one suggestion. `template_for` returns the FIM tokens of a policy, if it has any.

    `neighbour_tokens` is the part of `prefix_tokens` that other files of the project may use in a prompt. With
    `asks_for_tests` the policy also writes tests. With `redacts_prompts` text that looks like a secret is not sent.
    With `is_tight` short places get short prompts.
    """

    sampling: SamplingOptions
    limits: Limits
    tiers: tuple[Tier, ...]
    stop_early: bool
    show: ShowRule
    prefix_tokens: int
    suffix_tokens: int
    template_for: Callable[[PolicyVersion], FimTemplate | None]
    neighbour_tokens: int = 0
    asks_for_tests: bool = False
    redacts_prompts: bool = False
    is_tight: bool = False

    @property
    def budget(self) -> Budget:
        """The token budget of a prompt."""
        return Budget(
            prefix=self.prefix_tokens,
            suffix=self.suffix_tokens,
            neighbours=self.neighbour_tokens,
            is_tight=self.is_tight,
        )

    @property
    def ends_at_first_verified(self) -> bool:
        """Whether the first verified candidate ends the request, before others can be compared with it."""
        return self.stop_early and Tier.VERIFIED in self.tiers


def asks_for_tests(settings: Settings) -> bool:
    """Whether the policy also writes tests. By default it does if this does not slow down its candidates.

    A server on this machine shares its cores, and often its only slot, with the candidates. A remote server answers in
    batches.
    """
    wish = settings.verification.sampled_tests
    return wish == "always" or (wish == "auto" and bool(settings.policy.url) and not is_loopback(settings.policy.url))


def pipeline_options(settings: Settings) -> PipelineOptions:
    """The options of the pipeline that these settings describe."""
    sampling = settings.sampling
    exploration = _exploration(settings)
    novel = exploration.novel(sampling.candidates) if exploration else 0
    temperatures = temperature_ladder(sampling.candidates - novel, sampling.temperature_min, sampling.temperature_max)
    temperatures += (exploration.temperature if exploration else 0.0,) * novel
    return PipelineOptions(
        sampling=SamplingOptions(
            temperatures=temperatures, top_p=sampling.top_p, max_tokens=sampling.max_tokens, seed=sampling.seed
        ),
        limits=limits_of(settings),
        tiers=settings.offers.tiers,
        stop_early=settings.offers.stop_early,
        show=ShowRule(probability_min=settings.offers.probability_min, logprob_min=settings.offers.logprob_min),
        prefix_tokens=sampling.prefix_tokens,
        suffix_tokens=sampling.suffix_tokens,
        neighbour_tokens=min(sampling.neighbour_tokens, sampling.prefix_tokens // 2),
        template_for=template_for,
        asks_for_tests=asks_for_tests(settings),
        redacts_prompts=settings.privacy.redact_prompts,
        is_tight=not settings.policy.url,
    )


def _exploration(settings: Settings) -> Exploration | None:
    """The exploration that the trainer requests, if the settings allow it. A damaged file is ignored."""
    folder = data_dir_if_any(settings) if settings.sampling.explores else None
    file = exploration_file(folder) if folder else None
    return exploration_of(file.read_text(encoding="utf-8", errors="replace")) if file and file.is_file() else None
