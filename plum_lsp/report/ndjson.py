"""The use by day in the field names of GitHub Copilot's usage metrics, one JSON object a line. Pure.

The names are those of docs.github.com/en/copilot/reference/copilot-usage-metrics (user-level records). docs/report.md
has a table. Only what plum-lsp counts is there: the rest of Copilot's fields is about chat, agents and accounts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from plum_lsp.store.usage import OfferRow

FEATURE = "code_completion"


def copilot_lines(offers: Sequence[OfferRow]) -> Iterable[str]:
    """One line for each day and author on which a suggestion was shown, in order."""
    groups: dict[tuple[str, str], list[OfferRow]] = {}
    for row in offers:
        if row.is_shown:
            groups.setdefault((row.day, row.person), []).append(row)
    for (day, person), shown in sorted(groups.items()):
        counts = _counts(shown)
        record = {"day": day, "user_id": person, **counts, "totals_by_feature": [{"feature": FEATURE, **counts}]}
        yield json.dumps(record)


def _counts(shown: Sequence[OfferRow]) -> dict[str, int]:
    accepted = [row for row in shown if row.is_accepted]
    return {
        "code_generation_activity_count": len(shown),
        "code_acceptance_activity_count": len(accepted),
        "loc_suggested_to_add_sum": sum(row.lines for row in shown),
        "loc_added_sum": sum(row.lines for row in accepted),
    }
