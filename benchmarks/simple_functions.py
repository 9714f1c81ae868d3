"""Simple functions to learn on: each is a header with a docstring and examples, and the body is what is asked for.

A model of 135 million parameters writes about half of them rightly, which is where most can be learned: a group of
candidates then holds right and wrong ones.
"""

from __future__ import annotations

from pathlib import Path


def simple_functions() -> dict[str, str]:
    """Each function's header by its name; what follows the header is its body."""
    functions = {}
    table = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    for line in table.splitlines():
        signature, sentence, *examples = (part.strip() for part in line.split(" | "))
        lines = [f"def {signature}:", f'    """{sentence}', ""]
        for example in examples:
            call, _, result = example.partition(" = ")
            lines += [f"    >>> {call}", f"    {result}"]
        functions[signature.partition("(")[0]] = "\n".join([*lines, '    """', ""])
    return functions
