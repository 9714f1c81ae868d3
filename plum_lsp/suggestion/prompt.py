"""Arranges a context as the text a policy completes. Knows no particular model: templates come from outside.

A prompt never ends in spaces, because that splits the token the policy would have begun with (measured: FIM pass@1
.41 against .19 with a 0.5B model). The spaces left out at its end are `restored`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from plum_lsp.domain.project import Excerpt
from plum_lsp.domain.suggestion import Context, FimPrompt, FimTemplate, HoleKind


def build_prompt(
    context: Context, template: FimTemplate | None, excerpts: Sequence[Excerpt] = (), *, path: str = ""
) -> FimPrompt:
    """The prompt for `context`: fill-in-the-middle with a template, plain text without one or with nothing after the
    cursor: there is no middle then, and a model goes on with a text better than it fills a hole at its end.

    `excerpts` of other files come first, where typing does not change them: as files of their own for a policy that
    was taught to read several, otherwise as code above the document's, each under a comment with its path. `path` is
    the document's own.

    `restored` is the blank end of the cursor's line that the prompt leaves out. A policy usually writes it again,
    so whoever makes the candidate takes it off once. A plain prompt for whole lines ends in the indentation less
    one column: small models without FIM tokens then go on with " return" as one token (measured on SmolLM2-135M:
    .58 against .01); there the last blank alone is `restored`.

    Control strings of the model inside the user's text get a space after their first character: they are then read
    as the text they are. The buffer and the candidate are not touched.
    """
    shown = context.prefix.rstrip(" \t")
    restored = context.prefix[len(shown) :]
    if template is None:
        return _plain(context, shown, restored, _as_code(excerpts))
    controls = (template.prefix, template.suffix, template.middle, *template.stop)
    above = "" if template.file_mark else _as_code(excerpts)
    before = neutralised(above + shown, controls)
    after = neutralised(context.suffix, controls)
    prefix, suffix = f"{template.prefix}{before}", f"{template.suffix}{after}"
    parts = (suffix, prefix) if template.is_suffix_first else (prefix, suffix)
    files = _as_files(excerpts, path, template.file_mark, controls) if template.file_mark and excerpts else ""
    text = "".join((*parts, template.middle)) if after.strip() else before
    return FimPrompt(
        text=files + text,
        stop=template.stop,
        restored=restored,
        block=context.block,
        suffix=context.suffix,
    )


def _as_files(excerpts: Sequence[Excerpt], path: str, mark: str, controls: tuple[str, ...]) -> str:
    """Each file after its mark and path, the document's own mark and path at the end."""
    files = (neutralised(f"{one.path}\n{one.text}\n", controls) for one in excerpts)
    return "".join(f"{mark}{text}" for text in (*files, neutralised(f"{path}\n", controls)))


def _as_code(excerpts: Sequence[Excerpt]) -> str:
    """Code above the document's own."""
    return "".join(f"# {one.path}\n{one.text}\n\n\n" for one in excerpts)


def _plain(context: Context, shown: str, restored: str, above: str) -> FimPrompt:
    """The prefix alone; what follows the cursor cannot be told to such a model."""
    is_whole_line = context.block.kind is not HoleKind.LINE and shown.endswith("\n")
    indent = context.block.line_head or context.block.indent
    if is_whole_line and indent.startswith(" "):
        shown, restored = shown + indent[:-1], indent[-1]
    return FimPrompt(text=above + shown, stop=(), restored=restored, block=context.block, suffix=context.suffix)


def neutralised(text: str, controls: tuple[str, ...]) -> str:
    """`text` in which no control string occurs any more; other text is returned as it is.

    Control strings of one character (a line end used as a stop) are no sentinels and stay.
    """
    words = sorted({control.strip() for control in controls if len(control.strip()) > 1}, key=len, reverse=True)
    if not words or not any(word in text for word in words):
        return text
    found = re.compile("|".join(re.escape(word) for word in words))
    return found.sub(lambda match: f"{match.group()[0]} {match.group()[1:]}", text)
