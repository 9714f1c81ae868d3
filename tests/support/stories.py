"""What the stories in real editors are about."""

from __future__ import annotations

from support.editing import Desk
from support.scripted_policy import ScriptedPolicy

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    '
RIGHT, WRONG, OTHER = "return a + b", "return a - b", "return sum((a, b))"
TOTAL = 'def total(items):\n    """Sum up.\n\n    >>> total([1, 2])\n    3\n    """\n    '
LOOP = "result = 0\n    for item in items:\n        result += item\n    return result"


def knows_add(policy: ScriptedPolicy) -> None:
    """The policy is surer of the wrong candidate, and knows two right ones. It holds the second back until `release`.

    On a busy machine the second would sometimes be judged, and offered, first.
    """
    policy.will_complete(f"{WRONG}\n", mean_logprob=-0.1)
    policy.will_complete(f"{RIGHT}\n", mean_logprob=-2.0)
    policy.will_complete(f"{OTHER}\n", mean_logprob=-3.0, is_held=True)


def shown(desk: Desk) -> None:
    """The first offer is on the screen."""
    knows_add(desk.policy)
    desk.editor.open(desk.write(ADD))
    desk.wait_for_ghost(RIGHT)
