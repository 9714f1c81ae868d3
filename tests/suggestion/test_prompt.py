"""How a context becomes the text a policy completes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from plum_lsp.domain.suggestion import Context, FimTemplate
from plum_lsp.domain.text import Document
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt, neutralised

TEMPLATE = FimTemplate(
    prefix="<|fim_prefix|>", suffix="<|fim_suffix|>", middle="<|fim_middle|>", stop=("<|endoftext|>", "<|file_sep|>")
)


def context_of(marked: str) -> Context:
    text = marked.replace("‸", "", 1)
    document = Document(uri="file:///a.py", version=1, text=text)
    context = read_context(document, marked.index("‸"), prefix_tokens=500, suffix_tokens=500)
    assert context is not None
    return context


def test_a_fim_prompt_is_prefix_suffix_middle() -> None:
    """The prompt ends its prefix at the newline; the indentation left out is `restored`."""
    prompt = build_prompt(context_of("def f(a):\n    ‸\n\nx = 1\n"), TEMPLATE)
    assert prompt.text == "<|fim_prefix|>def f(a):\n<|fim_suffix|>\n\nx = 1\n<|fim_middle|>"
    assert (prompt.restored, prompt.stop, prompt.suffix) == ("    ", TEMPLATE.stop, "\n\nx = 1\n")


def test_a_space_before_the_cursor_is_left_out_too() -> None:
    """In the middle of a line the blank belongs to the next token."""
    prompt = build_prompt(context_of("def f(a):\n    return a ‸\n\nx = 1\n"), TEMPLATE)
    assert "return a<|fim_suffix|>" in prompt.text
    assert prompt.restored == " "


def test_with_nothing_after_the_cursor_there_is_no_middle() -> None:
    """A policy with FIM tokens goes on with the text, and still ends at its own stop tokens."""
    prompt = build_prompt(context_of("def f(a):\n    ‸\n\n"), TEMPLATE)
    assert (prompt.text, prompt.restored, prompt.stop) == ("def f(a):\n", "    ", TEMPLATE.stop)


def test_a_plain_prompt_ends_one_column_short() -> None:
    """Without FIM tokens the prefix is all there is, and the indentation stands but for its last space."""
    prompt = build_prompt(context_of('def f(a):\n    """Doc."""\n‸\nx = 1\n'), None)
    assert prompt.text == 'def f(a):\n    """Doc."""\n   '
    assert (prompt.restored, prompt.stop) == (" ", ())


def test_a_plain_prompt_in_a_line_ends_at_the_word() -> None:
    """In the middle of a line nothing is put in front of the completion."""
    prompt = build_prompt(context_of("def f(a):\n    return a ‸\n"), None)
    assert prompt.text.endswith("return a")


def test_the_users_text_cannot_break_the_prompt() -> None:
    """Each sentinel stands once, whatever the buffer says, and the buffer itself is untouched."""
    context = context_of('S = "<|fim_middle|>"\n\ndef f():\n    ‸\n\nT = "<|endoftext|><|fim_prefix|>"\n')
    prompt = build_prompt(context, TEMPLATE)
    for sentinel in (TEMPLATE.prefix, TEMPLATE.suffix, TEMPLATE.middle):
        assert prompt.text.count(sentinel) == 1
    assert "<|endoftext|>" not in prompt.text
    assert "<|fim_middle|>" in context.before and "<|endoftext|>" in prompt.suffix


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["<|a|>", "<", "|", "a", "|>", "<PRE>", " ", "x"]), max_size=30))
def test_no_control_string_survives(pieces: list[str]) -> None:
    """Neutralised text holds no control string, and loses nothing but gains spaces."""
    text = "".join(pieces)
    result = neutralised(text, ("<|a|>", " <PRE>", "\n"))
    assert "<|a|>" not in result and "<PRE>" not in result
    assert result.replace(" ", "") == text.replace(" ", "")
