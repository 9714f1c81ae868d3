"""Finds the control strings of any model family in a completion. Pure.

A server is asked to stop at the control strings of the model's family. Some servers ignore this, and a model's name may
not reveal its family. A control string is never part of a program, so it ends a completion wherever it comes from.
Inside a string literal it is text, because programs about models name these strings.

Sources: the tokenizers and model cards of the families in `policy/models/families.toml`.
"""

from __future__ import annotations

import re

_WORDS = """
    fim_prefix fim_suffix fim_middle fim_pad file_sep repo_name reponame filename gh_stars issue_start issue_comment
    issue_closed jupyter_start jupyter_text jupyter_code jupyter_output jupyter_script empty_output commit_before
    commit_msg commit_after endoftext end_of_text eos bos pad unk EOT EOS BOS PRE SUF MID start_of_turn end_of_turn
    file_separator CURSOR cursor FILL_ME FILL_HERE
"""
CONTROL = re.compile(
    r"<\|[A-Za-z][\w ]{0,40}\|>"
    r"|<\|[A-Za-z]\w{0,40}>|<[A-Za-z]\w{0,40}\|>|\[\|[a-z]{1,20}\|\]|\[e~\["
    r"|<｜[^｜\n<>]{1,40}｜>"
    r"|<\[(?:fim-[a-z]{1,10}|[A-Za-z]{1,10}▁[\w▁]{1,30})\]>"
    rf"|[ ]?<(?:{'|'.join(_WORDS.split())})>"
    r"|</s>|(?<![\w)\]])<s>"
    r"|(?<![\w\])])\[/?(?:PREFIX|SUFFIX|MIDDLE|INST|PYTHON|CODE)\]"
    r"|\[/(?:INST|PYTHON|CODE)\]"
)
"""The forms of control strings: `<|…|>`, those of Gemma 4, EXAONE and MiniMax, DeepSeek's `<｜…｜>`,
Seed-Coder's `<[…]>`, the words of StarCoder, Granite and Gemma, then those of Llama and Mistral."""
BLANK_OF_SENTENCE_PIECE = "▁"
"""How a tokenizer of SentencePiece writes a blank. A server that does not decode its tokens sends it."""
_OPENINGS = ("[PYTHON]", "[CODE]", "[INST]")
_END = re.compile(
    r"end|eo[stT]|EO[ST]|</s>|\[/|file_sep|pad|repo|filename|begin|bos|<s>|im_start|start_of|fim[_-]prefix|PRE"
)
"""Those after which a model's own text is over: its end, or the start of another text."""

_LEADS = re.compile(r"im_start|start_header|end_header|end_of_role|begin|bos|<s>|fim|start_of")
_ROLE = re.compile(r"\A\s*(?:assistant|model)\b:?[ \t]*\n?")
_THOUGHT = re.compile(
    r"<\|channel\|>(?:analysis|commentary)\b.*?(?:<\|end\|>|(?=<\|start\|>)|\Z)"
    r"|<\|channel>thought\b.*?(?:<channel\|>|\Z)"
    r"|\[THINK\].*?(?:\[/THINK\]|\Z)"
    r"|◁think▷.*?(?:◁/think▷|\Z)"
    r"|analysis(?=[A-Z]).*?assistantfinal",
    re.DOTALL,
)
"""Thoughts between control strings: gpt-oss (harmony), Gemma 4, Magistral, Kimi, and harmony without its strings."""
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<\n]*")


def is_control(word: str) -> bool:
    """Whether a word is a control string of a known form."""
    return CONTROL.fullmatch(word.strip()) is not None


def is_opening(control: str) -> bool:
    """Whether the control string begins the code instead of ending it, as `[PYTHON]` of CodeLlama-Instruct does."""
    return control.strip() in _OPENINGS


def says_end(control: str) -> bool:
    """Whether a model writes this control string only after its text is complete."""
    return bool(_END.search(control))


def may_lead(control: str) -> bool:
    """Whether the control string may stand before a model's own text."""
    return is_opening(control) or control.strip() == "[/INST]" or bool(_LEADS.search(control)) or not says_end(control)


def without_leading(text: str) -> str:
    """The text without the control strings before it, the name of the role that speaks, and its thoughts."""
    while True:
        start = text.lstrip()
        found = _THOUGHT.match(start) or _FINAL.match(start) or CONTROL.match(start)
        if found is None or (found.re is CONTROL and not may_lead(found.group())):
            return text
        text = _ROLE.sub("", start[found.end() :], count=1)


def begins_with_thought(text: str) -> bool:
    """Whether a text begins with thoughts or a channel between control strings."""
    return _THOUGHT.match(text.lstrip()) is not None or _FINAL.match(text.lstrip()) is not None


def is_within_thought(text: str) -> bool:
    """Whether a text ends within thoughts between control strings."""
    return not without_leading(f"{text}x")
