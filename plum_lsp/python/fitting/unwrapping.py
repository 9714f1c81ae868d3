"""Finds the code in an answer of a model made for chats: fences, sentences, thoughts, tags, diffs, line numbers. Pure.

The code is taken as it stands. `repeats` removes a repeated header, and `levels` the answer's own indentation. What is
not recognized stays, so that the parser refuses it.

A later fenced block corrects the one before it if only words such as "Wait" or "Correction" stand between the two, or
nothing. It must hold the function's header, or be a body like the one before it: a call of the function is none. A
block that such words follow is withdrawn, and only a later block is the answer. With nothing between two blocks, the
later one is read first. `versions` does the same within one block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.domain.suggestion import Block
from plum_lsp.python.fitting.controls import begins_with_thought, without_leading
from plum_lsp.python.fitting.outside import is_own_header, is_prose, names_read
from plum_lsp.python.fitting.thoughts import begins_thought, without_thoughts
from plum_lsp.python.fitting.versions import versions_of

_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})(?P<info>[^`~\n]*)\Z")
TAGS_MAX = 3
"""The most tags that stand in one another: a call of a tool, its function, its parameter."""
_OTHER_LANGUAGE = re.compile(
    r"\s*\{?\.?(?:bash|sh|shell|zsh|console|shell-session|text|txt|plaintext|output|json|ya?ml|toml|ini|markdown|md)\b",
    re.IGNORECASE,
)
"""The languages of blocks beside the code: commands to type, results, settings."""
_NO_ANSWER = re.compile(
    r"\b(?:original|current|existing|given|gave|provided|your|first (?:try|attempt|version)|naive|wrong|buggy)"
    r"\b[^.]*:?\s*\Z",
    re.IGNORECASE,
)
"""The end of a sentence above a block that shows what is not the answer."""
CORRECTION_CHARACTERS = 60
"""The start of a line that shows whether it withdraws the block above it."""
_CORRECTION = re.compile(
    r"[\W_]*(?:wait\b|hold on\b|hm+\b|oops\b|sorry\b|(?:i )?apolog|my (?:mistake|bad)|no[,.!]|actually\b"
    r"|correct(?:ion|ed)\b|fix(?:ed)?\b|revised\b|let me (?:fix|correct|revise|rewrite|redo|reconsider|double)"
    r"|on second thought|scratch that|better:|i made a|but (?:wait|that|this) (?:is|isn't|does|doesn't|was|would)?"
    r"|(?:that|this|the (?:code|function|version|block) above|it)(?:'s| is| was| has| does)?(?: a)?"
    r"(?: not| n't|n't)?\b.{0,30}(?:wrong|incorrect|mistake|bug|not right|corrected|correction))",
    re.IGNORECASE,
)
_BODY_END = re.compile(r"(?m)^[ \t]*(?:return|yield)\b")
_DEFINES = re.compile(r"(?m)^[ \t]*(?:async[ \t]+)?def\b")
_FILE_NAME = re.compile(r"[ \t]*[#*`]*[ \t]*(?:[\w.-]+/)*[\w-]+\.pyi?[`*]*:?[`*]*[ \t]*\Z")
_ROLE = re.compile(r"[ \t]*assistant[ \t]*:?[ \t]*\Z", re.IGNORECASE)
"""A speaker's name on a line of its own: the rest of a control string that a server removed."""
_ONE_LINE = re.compile(r"\s*```(?:python3?|py)?[ \t]+([^`\n]+?)[ \t]*```\s*")
_TAG = re.compile(
    r"[ \t]*(?:\[(PYTHON|CODE)\]"
    r"|<((?i:code|answer|completion|solution|python|output|result|middle|insert|edit|patch)|[a-z]+_[a-z]+)(?:\s[^<>\n]*)?>"
    r"|<(function|parameter)(?:=\w+| name=\"\w+\")>)[ \t]*\n?"
)
_HEADING = re.compile(
    r"[ \t]*(?:\*\*.*\*\*:?|\*\*[^*]+(?::\*\*|\*\*:).*"
    r"|#{2,6}\s.*|>\s.*|(?:BEGIN|END)(?:[ _][A-Z]+)+|[A-Z][\w' ]{1,40}:)[ \t]*\Z"
)
_OPENER = re.compile(
    r"\s*(?:sure\b|certainly\b|of course\b|here(?:'s| is| are)\b|okay\b|ok[,.!]|yes[,.!]|to (?:complete|implement)\b"
    r"|the (?:completed?|following|missing|function|code)\b|below is\b|you can\b|we (?:can|need)\b"
    r"|this (?:is|function|code)\b"
    r"|i(?:'ll| will|'ve| have)\b|let's\b|let us\b|first, (?:we|i|you|let)\b|assistant:)",
    re.IGNORECASE,
)
_DIFF_HEAD = re.compile(
    r"(?:diff --git |index [0-9a-f]{7}|--- |\+\+\+ |@@(?:\s|\Z)|\*\*\* (?:Begin|Update|Add|End)\b"
    r"|[ \t]*`{3,}(?:diff|patch)\b)"
)
_REPLACED = re.compile(r"^<{5,}[^\n]*\n.*?^={5,}[^\n]*\n(.*?)^>{5,}", re.DOTALL | re.MULTILINE)
"""An edit block: the old text, a line of equals signs, the new text."""
_MARKED = re.compile(r"[+-](?:\s|\Z|\w|[@#\"'])")
_SESSION = re.compile(r"[ \t]*>>> ")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
"""A byte order mark and characters without width. Before the text they are a habit of the server, without meaning."""
_HARD_BLANKS = re.compile(r"(?m)^[ \t\u00a0]*\u00a0[ \t\u00a0]*")
_NUMBER = re.compile(r"[ \t]*L?(?P<number>\d{1,5})(?:[ \t]*[.):|\u2502\u2192](?:[ \t]|$)|\t|[ ](?=\S|[ ]{2})|[ \t]*$)")
_BULLET = re.compile(r"[ \t]*(?:[*\u2022]|-)[ ]")
_ELLIPSIS = re.compile(r"\A\s*(?:\.\.\.|\u2026)[ \t]*(?:\r?\n|(?=\w))")
_ELIDED_FIRST = re.compile(r"\A(?:[ \t]*\n)*[ \t]*#[ \t]*(?:\.\.\.|\u2026)[^\n]*\n")
_ELIDED_LAST = re.compile(r"\n[ \t]*#[ \t]*(?:\.\.\.|\u2026)[^\n]*\s*\Z")
_TRIVIAL = re.compile(
    r"\A[^\n]*\n(?:[ \t]*\n)*[ \t]*(?:pass|return\b[ \t]*"
    r"(?:None|True|False|-?[\d.]+|\"[^\"\n]*\"|'[^'\n]*'|\[\]|\{\}|\(\)|[a-z]+\(\))?)\s*\Z"
)
_LANGUAGE = re.compile(r"\A\s*(?:python3?|py)[ \t]*\n")
_CLOSING_FENCE = re.compile(r"(?<=[^\s`~])[ \t]*`{3,}[ \t]*\Z")
_CLOSING_QUOTES = re.compile(r"\s*(?:\"\"\"|\'\'\')\s*\Z")
_QUOTES = re.compile(r"\A\s*(\"\"\"|''')[ \t]*\n")


def is_fence(line: str) -> bool:
    """Whether a line is a fence of a Markdown block (CommonMark 0.31, 4.5), however far it is indented."""
    return bool(_FENCE.match(line))


def is_beside(fence: str, above: str) -> bool:
    """Whether a block with this opening fence is not the answer, by its language or by the sentence above it."""
    found = _FENCE.match(fence)
    sentence = above.rstrip().rpartition("\n")[2]
    is_other = found is not None and _OTHER_LANGUAGE.match(found["info"]) is not None
    is_shown = _NO_ANSWER.search(sentence) is not None and not is_correction(sentence)
    return is_other or (not is_fence(sentence) and is_shown)


def is_diff(line: str) -> bool:
    """Whether a line belongs to a diff: its header, or a line that it adds or removes."""
    return bool(_DIFF_HEAD.match(line) or _MARKED.match(line) or line.startswith("<<<<<<<"))


def is_talk(line: str) -> bool:
    """Whether a line is a sentence or a heading to the reader."""
    if line.lstrip().startswith("... "):  # goes on with the line above it in an interactive session
        return False
    if _FILE_NAME.match(line) or _ROLE.match(line):
        return True
    return (bool(_HEADING.match(line) or _OPENER.match(line)) and names_read(line.strip()) is None) or is_prose(
        line.strip()
    )


def begins_answer(line: str, block: Block) -> bool:
    """Whether a completion with this first line is an answer in a chat, or begins with the header of the function."""
    if not line.strip():
        return False
    is_wrapped = begins_thought(line) or _TAG.match(line) or begins_with_thought(line)
    if is_fence(line) or is_talk(line) or is_wrapped:
        return True
    if not block.is_within_line and (is_diff(line) or _SESSION.match(line) or is_marked(line)):
        return True
    return is_own_header(line.lstrip(), block)


def unwrapped(text: str, block: Block) -> Iterator[str]:
    """The ways to read the code in a completion, likeliest first. Line numbers are first read as code."""
    text = without_leading(visible(text))
    thoughtless = without_thoughts(text)
    inner = with_own_fence_line(_in_tags(thoughtless))
    fenced = list(_fenced(inner, block))
    for whole in _versions(fenced or [inner], block):
        one = _without_talk(whole)
        numbered, shorter = without_numbers(whole), without_ellipsis(one)
        first = (numbered if not one.strip() else None, shorter, without_bullets(whole))
        if not block.is_within_line:
            yield from (other for other in first if other is not None)
            for new in _without_marks(one):
                yield from filter(None, (without_quotes(new), new))
        yield _without_ticks(one if one.strip() else whole)
        unmarked = (shorter, numbered, without_quotes(one), without_language(one))
        yield from (other for other in unmarked if other is not None)
    if thoughtless == text:
        yield text


def _versions(texts: list[str], block: Block) -> Iterator[str]:
    """The versions of the function in each of the texts, likeliest first."""
    for text in texts:
        yield from [text] if block.is_within_line else versions_of(text, block, is_correction=is_correction)


def _in_tags(text: str) -> str:
    """The text between the tags for code, if there are such, one in another. A missing end means the text's end."""
    for _ in range(TAGS_MAX):
        text = _in_tag(text)
    return text


def _in_tag(text: str) -> str:
    """The text between the first pair of tags for code, or the text as it is."""
    text = re.sub(r"(?m)^[ \t]*</?pre>", "", text) if text.lstrip().startswith("<pre>") else text
    for found in _TAG.finditer(text):
        before = text[: found.start()].strip()
        if before and not is_talk(before.split("\n")[-1]):
            continue
        word = found[1] or found[2] or found[3]
        end = re.search(rf"[ \t]*(?:\[/{word}\]|</{word}>)", text[found.end() :])
        return text[found.end() :][: end.start()] if end else text[found.end() :]
    return text


def _fenced(text: str, block: Block) -> list[str]:
    """The contents of the fenced blocks, likeliest first, or the text before a fence that only closes."""
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines) if is_fence(line)]
    if found := _ONE_LINE.fullmatch(text):
        return [f"{found[1]}\n"]
    if not places:
        is_closed = "```" in text and not re.search(r"[\"']{3}", text)
        return [text[: text.index("```")]] if is_closed else []
    before = [line for line in lines[: places[0]] if line.strip()]
    if before and not any(is_talk(line) or line.startswith("#") for line in before):
        return ["\n".join(lines[: places[0]]) + "\n"]
    answers: list[str] = []
    beside: list[str] = []
    for fence, content, above in _blocks(lines, places):
        said = above.rpartition("```")[2].strip()
        if is_beside(fence, above):
            beside.append(content)
        elif answers and _corrects(content, answers[0], said, block):
            answers = [content] if said else [content, *answers]
        else:
            answers.append(content)
    return [*answers, *beside]


def _blocks(lines: list[str], places: list[int]) -> Iterator[tuple[str, str, str]]:
    """The fenced blocks: the fence that opens each, its content, and the text above it."""
    opened: int | None = None
    for number in (*places, len(lines)):
        found = _FENCE.match(lines[number]) if number < len(lines) else None
        block = lines[opened + 1 : number] if opened is not None else []
        if opened is not None and any(line.strip() for line in block):
            yield lines[opened], "\n".join(block) + "\n", "\n".join(lines[:opened])
        opens_again = found is not None and bool(found["info"].strip())
        opened = number if opened is None or opens_again or not any(map(str.strip, block)) else None


def _corrects(content: str, earlier: str, said: str, block: Block) -> bool:
    """Whether a block replaces an earlier one that `said` stands between."""
    if said and not is_correction(said.split("\n")[0]):
        return False
    has_header, had_header = (
        any(is_own_header(line.lstrip(), block) for line in one.split("\n")) for one in (content, earlier)
    )
    is_body = not block.is_within_line and bool(_BODY_END.search(content)) and not _DEFINES.search(content)
    return has_header or is_body or (bool(said) and not had_header)


def is_correction(line: str) -> bool:
    """Whether a line below a fenced block says that the block is wrong."""
    return _CORRECTION.match(line[:CORRECTION_CHARACTERS]) is not None


def is_withdrawn(text: str) -> bool:
    """Whether the last fenced block of a text is followed by words that withdraw it."""
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines) if is_fence(line)]
    said = [line for line in lines[places[-1] + 1 :] if line.strip()] if places else []
    return len(places) > 1 and bool(said) and is_correction(said[0])


def _without_talk(text: str) -> str:
    """The text without sentences before the code and after it."""
    lines = text.split("\n")
    start = 0
    while start < len(lines) and (not lines[start].strip() or is_talk(lines[start])):
        start += 1
    if start == len(lines) or not any(line.strip() for line in lines[:start]):
        start = 0
    end = len(lines)
    while end > start and (not lines[end - 1].strip() or is_talk(lines[end - 1])):
        end -= 1
    has_talk = any(line.strip() for line in lines[end:])
    kept = lines[start:end] if has_talk else lines[start:]
    return "\n".join(kept) + ("\n" if has_talk else "")


def _without_marks(text: str) -> Iterator[str]:
    """The new side of a diff, or the statements of an interactive session, if the text is one."""
    lines = [line for line in text.split("\n") if line.strip()]
    is_diff = any(_DIFF_HEAD.match(line) for line in lines) or all(line[0] in "+- " for line in lines)
    if is_diff and any(_MARKED.match(line) for line in lines):
        new = [one for one in text.split("\n") if not _DIFF_HEAD.match(one) and not one.startswith(("-", "\\"))]
        yield "\n".join(line[1:] if line.startswith(("+", " ")) else line for line in new)
    if found := _REPLACED.search(text):
        yield found[1]
    if lines and _SESSION.match(lines[0]) and not any(_CLOSING_QUOTES.match(line) for line in lines):
        said = [one[1] for line in lines if (one := re.match(r"[ \t]*(?:>>>|\.\.\.) ?(.*)", line))]
        yield "\n".join(said) + "\n"


def _without_ticks(text: str) -> str:
    """The text without the back-quotes of inline code around it, and without the sentence around those."""
    found = re.fullmatch(r"\s*(?:[A-Z][^`\n]*)?`{1,2}([^`\n]+)`{1,2}[^`\n]*[.]?\s*", text)
    return found[1] if found else text


def is_marked(line: str) -> bool:
    """Whether a line begins with a number or the mark of a list, and code that begins with a word comes after it."""
    found = _NUMBER.match(line) or _BULLET.match(line)
    return found is not None and line[found.end() :].lstrip()[:1].isidentifier()


def visible(text: str) -> str:
    """The text without invisible characters before it, and with plain blanks in its indentation."""
    text = text.lstrip(_INVISIBLE)
    if "\u00a0" not in text:
        return text
    return _HARD_BLANKS.sub(lambda found: found.group().replace("\u00a0", " "), text)


def without_numbers(text: str) -> str | None:
    """The text without the numbers of its lines: `12 |`, `1.`, `7:`, or a number and a tab. They are consecutive."""
    lines = text.rstrip().split("\n")
    found = [_NUMBER.match(line) for line in lines if line.strip()]
    numbers = [int(one["number"]) for one in found if one]
    if not numbers or len(numbers) < len(found) or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return "\n".join(_NUMBER.sub("", line, count=1) for line in lines) + "\n"


def without_bullets(text: str) -> str | None:
    """The text without the mark of a list on each line. A single mark may be an operator."""
    lines = [line for line in text.rstrip().split("\n") if line.strip()]
    if len(lines) < 2 or not all(_BULLET.match(line) for line in lines):
        return None
    return "\n".join(_BULLET.sub("", line, count=1) for line in lines) + "\n"


def without_ellipsis(text: str) -> str | None:
    """The text without an ellipsis before its code, and without comments such as `# ... other code ...` around it.

    A comment above a trivial result stays, because it stands for the code that is missing.
    """
    if _ELIDED_FIRST.match(text) and _TRIVIAL.search(text):
        return None
    shorter = _ELIDED_FIRST.sub("", _ELLIPSIS.sub("", text, count=1), count=1)
    shorter = _ELIDED_LAST.sub("\n", shorter)
    return shorter if shorter != text and shorter.strip() else None


def without_language(text: str) -> str | None:
    """The text without a line above it that only names the language."""
    found = _LANGUAGE.match(text)
    return text[found.end() :] if found else None


def without_quotes(text: str) -> str | None:
    """The text without the quotes that end the docstring above the cursor, if the text does not open them."""
    found = _QUOTES.match(text)
    return text[found.end() :] if found and text.count(found[1]) % 2 else None


def with_own_fence_line(text: str) -> str:
    """The text with a closing fence on a line of its own, where an answer has it at the end of its last code line."""
    return _CLOSING_FENCE.sub("\n```", text) if re.search(r"(?m)^[ \t]*`{3,}\w*[ \t]*$", text) else text
