"""Which replica a request goes to."""

from __future__ import annotations

from collections import Counter

from plum_lsp.policy.hosting.replicas.routing import chosen, document_key

IDLE = {"a": 0, "b": 0, "c": 0}
KEYS = [document_key("ann", f"# file {number}\n" + "x = 1\n" * 100) for number in range(300)]


def test_a_document_stays_where_it_is_while_it_is_typed() -> None:
    """The beginning of the prompt decides. What is typed stands at its end."""
    text = "import this\n" * 60
    assert len({chosen(document_key("ann", text + "x" * typed), IDLE) for typed in range(200)}) == 1


def test_documents_are_spread() -> None:
    """Each of three replicas gets about a third."""
    counts = Counter(chosen(key, IDLE) for key in KEYS)
    assert all(70 < count < 130 for count in counts.values())


def test_only_the_documents_of_a_lost_replica_move() -> None:
    """The others keep their memory, and the moved ones come back with the replica."""
    before = {key: chosen(key, IDLE) for key in KEYS}
    without = {key: chosen(key, {"a": 0, "c": 0}) for key in KEYS}
    assert {key for key in KEYS if before[key] != without[key]} == {key for key in KEYS if before[key] == "b"}


def test_a_replica_with_many_requests_gets_no_more() -> None:
    """Everyone may type in the same file."""
    key = KEYS[0]
    favourite = chosen(key, IDLE)
    assert chosen(key, IDLE | {favourite: 9}) != favourite
    loads = dict(IDLE)
    for _ in range(30):
        loads[chosen(key, loads)] += 1
    assert max(loads.values()) <= 14


def test_people_with_equal_prompts_are_told_apart() -> None:
    """Many files begin alike."""
    assert len({chosen(document_key(f"p{number}", "import this\n"), IDLE) for number in range(40)}) == 3


def test_prompts_of_tokens_have_a_place_too() -> None:
    """As vLLM takes them."""
    assert document_key("ann", [1, 2, 3]) == document_key("ann", [1, 2, 3])
    assert document_key("ann", None)
