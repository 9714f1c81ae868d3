"""Simple functions for training. Each is a header with a docstring and examples. The model writes the body.

A model of 135 million parameters writes about half of them correctly. This gives the most training data, because a
group of candidates then holds right and wrong ones.
"""

from __future__ import annotations

from pathlib import Path


def simple_functions() -> dict[str, str]:
    """Each function's header by its name. The body follows the header."""
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
