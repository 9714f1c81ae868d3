"""Turns facts into preference pairs and labels by numbered rules. Pure. The same facts give the same pairs.

1. Verdict pairs: a right over a wrong candidate of one prompt and version, with the least edit distance.
2. Labels: every candidate that the evidence calls right or wrong, so that groups of one kind are also useful.
3. User pairs: accepted and kept over shown and rejected, and the user's correction over the offer it replaced.
4. Quality pairs: the better of two right candidates (`quality`). They are off by default.
5. Synthesized negatives: without a specification, a candidate that is nearly certainly wrong beside a likely one of its
   group is wrong. They are labels, and pairs with the right candidates, as in rules 1 and 2.
6. User labels: kept text is desirable, rejected text undesirable, a correction both. Not against what the tests say.

A rule's number always means the same recipe. A changed recipe gets a new number. This module does not judge staleness.
It builds pairs of every version, and the trainer takes the fresh ones when it trains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rapidfuzz.distance import Levenshtein

from plum_lsp.domain.learning import OutcomeKind, PairSource
from plum_lsp.domain.preferences import CandidateFacts, OfferFacts, PreferenceLabel, PreferencePair, PromptFacts
from plum_lsp.feedback.evidence import Standing, standings, weight_of
from plum_lsp.feedback.noise import count_of
from plum_lsp.feedback.quality import better

VERDICT_RULE, LABEL_RULE, USER_RULE, QUALITY_RULE, UNLIKELY_RULE, USER_LABEL_RULE = 1, 2, 3, 4, 5, 6

PAIRS_PER_PROMPT_MAX = 4
"""The most pairs of one prompt. A frequent prompt must not outweigh the others."""
SIDE_MAX = 64
"""The most right and wrong candidates that are compared for one prompt. The latest ones are left out first."""
NEARLY_AS_NEAR = 0.1
"""Pairs within this distance of the least count as equally near. Length decides among them."""
KEPT_SHARE_MIN = 0.9
"""An accepted text counts as kept if at least this share of it is left."""
CORRECTED_SHARE_MIN = 0.3
"""Below this share the text was not corrected but replaced by other text."""

_SIDES = (Standing.RIGHT, Standing.WRONG, Standing.UNLIKELY)
"""The standings that are learned from."""

Groups: TypeAlias = dict[int, dict[Standing, list[CandidateFacts]]]
"""The right, wrong and unlikely candidates of each policy version."""


@dataclass(slots=True, kw_only=True)
class PairBuilder:
    """Builds the pairs of one prompt after another. It keeps its counts and the sum of the length differences."""

    wants_quality: bool = False
    wants_unlikely: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    lean: int = 0
    """Code points by which the chosen texts so far were longer than the rejected ones."""
    _grouped: tuple[PromptFacts, Groups] | None = None

    def pairs(self, facts: PromptFacts) -> Iterator[PreferencePair]:
        """Every pair of one prompt, rule by rule."""
        groups = self._groups(facts)
        for group in groups.values():
            for standing in (Standing.WRONG, Standing.UNLIKELY):
                yield from self._verdict_pairs(facts.prompt_hash, group, standing)
        yield from self._user_pairs(facts)
        if self.wants_quality:
            for group in groups.values():
                yield from self._quality_pairs(facts.prompt_hash, group[Standing.RIGHT])

    def labels(self, facts: PromptFacts) -> Iterator[PreferenceLabel]:
        """A label for each distinct candidate that the evidence calls right or wrong, one version at a time.

        Then those of users.
        """
        for group in self._groups(facts).values():
            for standing, side in group.items():
                is_desirable = standing is Standing.RIGHT
                for one in side:
                    self.counts[count_of(standing, one.tier)] += 1
                    self.counts["label_desirable" if is_desirable else "label_undesirable"] += 1
                    yield PreferenceLabel(
                        rule=UNLIKELY_RULE if standing is Standing.UNLIKELY else LABEL_RULE,
                        prompt_hash=facts.prompt_hash,
                        candidate=one,
                        is_desirable=is_desirable,
                        weight=weight_of(one, standing),
                    )
        yield from self._user_labels(facts)

    def _user_labels(self, facts: PromptFacts) -> Iterator[PreferenceLabel]:
        """Rule 6. What tests say of a text outweighs what users did with it. They may have wanted another one."""
        known = {
            (one.request_id, one.id): (one, standing)
            for one, standing in zip(facts.candidates, standings(facts.candidates), strict=True)
        }
        for offer in facts.offers:
            one, standing = known.get((offer.request_id, offer.candidate_id), (None, None))
            if one is None:
                continue
            is_corrected = _is_corrected(offer)
            if is_corrected:
                yield self._user_label(facts.prompt_hash, one, is_desirable=True, text=offer.survival_text)
            if standing is not Standing.WRONG and _is_kept(offer):
                yield self._user_label(facts.prompt_hash, one, is_desirable=True)
            elif standing is not Standing.RIGHT and (is_corrected or _ended(offer) is OutcomeKind.REJECTED):
                yield self._user_label(facts.prompt_hash, one, is_desirable=False)

    def _user_label(
        self, prompt_hash: str, one: CandidateFacts, *, is_desirable: bool, text: str | None = None
    ) -> PreferenceLabel:
        self.counts["label_user_desirable" if is_desirable else "label_user_undesirable"] += 1
        return PreferenceLabel(
            rule=USER_LABEL_RULE,
            prompt_hash=prompt_hash,
            candidate=one,
            is_desirable=is_desirable,
            weight=1.0,
            text=text,
        )

    def _groups(self, facts: PromptFacts) -> Groups:
        """Right and wrong candidates by policy version, without duplicates. They are counted once for each prompt."""
        if self._grouped is not None and self._grouped[0] is facts:
            return self._grouped[1]
        groups: Groups = {}
        seen: set[tuple[int, str]] = set()
        for one, standing in zip(facts.candidates, standings(facts.candidates), strict=True):
            if standing not in _SIDES or (standing is Standing.UNLIKELY and not self.wants_unlikely):
                self.counts[f"left_out_{standing.value}"] += 1
                continue
            program = (one.version_id, one.fingerprint)
            if program in seen:
                self.counts["left_out_duplicate"] += 1
                continue
            seen.add(program)
            groups.setdefault(one.version_id, {side: [] for side in _SIDES})[standing].append(one)
        for group in groups.values():
            right, wrong = group[Standing.RIGHT], [*group[Standing.WRONG], *group[Standing.UNLIKELY]]
            self.counts["groups_mixed" if right and wrong else "groups_right" if right else "groups_wrong"] += 1
        self._grouped = (facts, groups)
        return groups

    def _verdict_pairs(
        self, prompt_hash: str, group: Mapping[Standing, list[CandidateFacts]], standing: Standing
    ) -> Iterator[PreferencePair]:
        """Rules 1 and 5, by the standing of the rejected: each candidate is in one pair at most, nearest first.

        Among equally near pairs, the lengths are balanced.
        """
        right, wrong = group[Standing.RIGHT][:SIDE_MAX], group[standing][:SIDE_MAX]
        places = _distances(right, wrong)
        for _ in range(min(PAIRS_PER_PROMPT_MAX, len(right), len(wrong))):
            least = min(places)[0] + NEARLY_AS_NEAR
            near = [place for place in places if place[0] <= least]
            distance, row, column = min(
                near, key=lambda place: abs(self.lean + len(right[place[1]].text) - len(wrong[place[2]].text))
            )
            places = [place for place in places if place[1] != row and place[2] != column]
            chosen, rejected = right[row], wrong[column]
            self.lean += len(chosen.text) - len(rejected.text)
            is_unlikely = standing is Standing.UNLIKELY
            self.counts["pair_synthesized" if is_unlikely else "pair_verdict"] += 1
            yield PreferencePair(
                rule=UNLIKELY_RULE if is_unlikely else VERDICT_RULE,
                source=PairSource.VERDICT,
                prompt_hash=prompt_hash,
                chosen=chosen,
                rejected=rejected,
                weight=weight_of(chosen, Standing.RIGHT) * weight_of(rejected, standing),
                distance=distance,
            )

    def _user_pairs(self, facts: PromptFacts) -> Iterator[PreferencePair]:
        """Rule 3: texts that users kept over texts that they rejected, and corrections.

        It does not judge correctness.
        """
        known = {(one.request_id, one.id): one for one in facts.candidates}
        offered = [(offer, known.get((offer.request_id, offer.candidate_id))) for offer in facts.offers]
        kept = [one for offer, one in offered if one is not None and _is_kept(offer)]
        turned_down = [(offer, one) for offer, one in offered if one is not None and offer.is_shown]
        made = 0
        for chosen in kept:
            for offer, rejected in turned_down:
                is_pair = rejected.fingerprint != chosen.fingerprint and rejected.version_id == chosen.version_id
                if is_pair and _is_turned_down(offer, chosen) and made < PAIRS_PER_PROMPT_MAX:
                    made += 1
                    yield self._user_pair(facts.prompt_hash, PairSource.OUTCOME, chosen, rejected)
        for offer, one in offered:
            if one is not None and _is_corrected(offer):
                yield self._user_pair(facts.prompt_hash, PairSource.EDIT, one, one, chosen_text=offer.survival_text)

    def _user_pair(
        self,
        prompt_hash: str,
        source: PairSource,
        chosen: CandidateFacts,
        rejected: CandidateFacts,
        *,
        chosen_text: str | None = None,
    ) -> PreferencePair:
        self.counts[f"pair_{source.value}"] += 1
        text = chosen.text if chosen_text is None else chosen_text
        return PreferencePair(
            rule=USER_RULE,
            source=source,
            prompt_hash=prompt_hash,
            chosen=chosen,
            rejected=rejected,
            weight=1.0,
            distance=float(Levenshtein.normalized_distance(text, rejected.text)),
            chosen_text=chosen_text,
        )

    def _quality_pairs(self, prompt_hash: str, right: list[CandidateFacts]) -> Iterator[PreferencePair]:
        """Rule 4: the better of two right candidates that differ in one respect. At most one pair for each prompt."""
        for one in right[:SIDE_MAX]:
            for other in right[:SIDE_MAX]:
                if one is not other and better(one, other):
                    self.counts["pair_quality"] += 1
                    yield PreferencePair(
                        rule=QUALITY_RULE,
                        source=PairSource.QUALITY,
                        prompt_hash=prompt_hash,
                        chosen=one,
                        rejected=other,
                        weight=weight_of(one, Standing.RIGHT) * weight_of(other, Standing.RIGHT),
                        distance=float(Levenshtein.normalized_distance(one.text, other.text)),
                    )
                    return


def _distances(right: Sequence[CandidateFacts], wrong: Sequence[CandidateFacts]) -> list[tuple[float, int, int]]:
    """Normalised edit distance of each right to each wrong candidate's text, with their places, in their order."""
    return [
        (float(Levenshtein.normalized_distance(one.text, other.text)), row, column)
        for row, one in enumerate(right)
        for column, other in enumerate(wrong)
    ]


def _ended(offer: OfferFacts) -> OutcomeKind | None:
    return offer.outcomes[-1] if offer.outcomes else None


def _is_turned_down(offer: OfferFacts, chosen: CandidateFacts) -> bool:
    """Whether the user rejected an offer, or passed it over for another one of the same request.

    An offer that was only closed is not turned down.
    """
    ended = _ended(offer)
    is_passed_over = ended is OutcomeKind.DISMISSED and offer.request_id == chosen.request_id
    return ended is OutcomeKind.REJECTED or is_passed_over


def _is_kept(offer: OfferFacts) -> bool:
    """Whether the offer was accepted and measured as kept, or typed by the user letter by letter."""
    if OutcomeKind.TYPED_THROUGH in offer.outcomes:
        return True
    is_taken = OutcomeKind.ACCEPTED in offer.outcomes
    return is_taken and offer.survival_share is not None and offer.survival_share >= KEPT_SHARE_MIN


def _is_corrected(offer: OfferFacts) -> bool:
    """Whether the offer was accepted and partly changed since."""
    share = offer.survival_share
    is_taken = OutcomeKind.ACCEPTED in offer.outcomes and bool(offer.survival_text.strip())
    return is_taken and share is not None and CORRECTED_SHARE_MIN <= share < KEPT_SHARE_MIN
