"""Conditions of SQL that several queries share."""

from __future__ import annotations

IS_SHOWN = "(visible_ms IS NOT NULL OR kind IN ('accepted', 'partly_accepted', 'edited'))"
"""Of a row of `outcomes`: its offer was on the screen, because an editor said so or because the user took it."""

IS_SAMPLED = """NOT EXISTS (
  SELECT 1 FROM test_cases WHERE test_cases.request_id = requests.id AND test_cases.origin = 'computed'
)"""
"""Of a row of `requests`: a policy wrote its candidates. The trainer skips those that the sandbox computed."""

KEPT_AFTER_MS = 600_000
"""The delay after an acceptance at which it is measured how much is still there: ten minutes."""

FATE = f"""
       EXISTS (SELECT 1 FROM outcomes WHERE outcomes.offer_id = offers.id AND {IS_SHOWN}) AS is_shown,
       EXISTS (SELECT 1 FROM outcomes WHERE outcomes.offer_id = offers.id AND kind = 'accepted') AS is_accepted,
       (SELECT kind FROM outcomes WHERE outcomes.offer_id = offers.id ORDER BY outcomes.id DESC LIMIT 1) AS kind,
       (SELECT share FROM survivals WHERE survivals.offer_id = offers.id AND after_ms = :kept_after) AS share_left
"""  # noqa: S608  # constants of ours
"""Columns of a query of `offers`: what became of each. The latest outcome is its `kind`. It needs `:kept_after`."""

LABEL = """coalesce(
  (SELECT tier FROM outcomes WHERE outcomes.offer_id = offers.id ORDER BY outcomes.id DESC LIMIT 1), offers.tier
)"""
"""Of a row of `offers`: the label that was on the screen last."""
