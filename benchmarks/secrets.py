"""Counts the planted secrets that are hidden before storage, and the lines of honest code that are changed for it.

    python -m benchmarks.secrets [--before REVISION] [--planted FILE …] [--code FOLDER …]

Each planted secret is drawn from the seed, so that no file of this repository holds one. It is placed in a module of
the standard library and checked twice. The first check is the text (`redacted`). The second check is the way to the
store: the document is cut to a window at a cursor below, and the stored prompt and program are searched. A kind counts
as hidden if all of its secrets are hidden. Every changed line of honest code counts as a false alarm.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import string
import subprocess
import sys
import textwrap
import types
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from plum_lsp.domain.events import Prompted
from plum_lsp.domain.suggestion import RequestId, SamplingOptions, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document
from plum_lsp.feedback.redaction import REDACTED, redacted, redacted_fact
from plum_lsp.python.reading.window import read_context
from plum_lsp.suggestion.prompt import build_prompt

HERE = Path(__file__).parent
PLANTS = 4
"""Secrets of each kind, with different values."""
PART_MIN = 5
"""Shorter parts of a secret (`ghp_`) do not reveal it."""
_MARKED = re.compile("«(.*?)»", re.DOTALL)
_RECIPE = re.compile(r"\{(pw|word2|phrase|uuid|(?:b62|hex|b64|up|low|digits|pem):\d+)\}")
_WORDS = (
    "amber",
    "birch",
    "copper",
    "delta",
    "ember",
    "falcon",
    "granite",
    "harbor",
    "indigo",
    "juniper",
    "lantern",
    "otter",
)
_SIGNS = "!#%&*+-=?@^_~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A text that holds secrets."""

    kind: str
    text: str
    secrets: tuple[str, ...]
    is_code: bool


def main() -> None:
    """Print both figures, beside those of an earlier revision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", help="a revision to compare with")
    parser.add_argument("--planted", type=Path, nargs="*", default=[HERE / "secrets_planted.txt"])
    parser.add_argument("--code", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="print what was missed and what was hidden without need")
    options = parser.parse_args()
    versions: dict[str, Callable[[str], str]] = {"now": redacted}
    if options.before:
        versions = {options.before: _redacted_at(options.before), **versions}
    for path in options.planted:
        plants = list(planted(path.read_text(encoding="utf-8"), seed=options.seed))
        print(f"{path.name}: {sum(len(plant.secrets) for plant in plants)} secrets")
        for name, redact in versions.items():
            _tell_recall(f"  {name}, as a text", plants, partial(_as_text, redact), options.show)
        _tell_recall("  now, on the way to the store", plants, kept, options.show)
    for name, redact in versions.items() if options.code else ():
        _tell_alarms(name, redact, options.code, options.show and name == "now")


def planted(source: str, *, seed: int) -> Iterator[Plant]:
    """The planted texts of a file, with their values drawn."""
    draw = random.Random(seed)
    for block in re.split(r"(?m)^== ", source)[1:]:
        kind, _, body = block.partition("\n")
        is_code = not body.startswith("~~ text\n")
        body = body.removeprefix("~~ text\n")
        for _ in range(PLANTS):
            text = _RECIPE.sub(lambda match: drawn(match[1], draw), body)
            parts = [part for found in _MARKED.findall(text) for part in re.split(r"\n|\\n", found)]
            secrets = tuple(part for part in parts if len(part) >= PART_MIN)
            yield Plant(kind=kind, text=_MARKED.sub(r"\1", text), secrets=secrets, is_code=is_code)


def drawn(recipe: str, draw: random.Random) -> str:
    """A value of a recipe."""
    name, _, count = recipe.partition(":")
    letters = {
        "b62": string.ascii_letters + string.digits,
        "hex": string.hexdigits[:16],
        "up": string.ascii_uppercase + string.digits,
        "low": string.ascii_lowercase,
        "digits": string.digits,
    }
    if name in letters:
        return "".join(draw.choice(letters[name]) for _ in range(int(count)))
    if name in {"b64", "pem"}:
        length = int(count) * (64 if name == "pem" else 1)
        text = base64.b64encode(draw.randbytes(length)).decode()[:length]
        return "\n".join(textwrap.wrap(text, 64)) if name == "pem" else text.rstrip("=")
    if name == "uuid":
        return str(uuid.UUID(int=draw.getrandbits(128), version=4))
    if name == "phrase":
        return " ".join(draw.sample(_WORDS, 4))
    word = draw.choice(_WORDS)
    if name == "word2":
        return f"{word}{draw.randint(1, 99)}"
    return f"{word.title()}{draw.choice(_SIGNS)}{draw.randint(10, 9999)}{draw.choice(string.ascii_letters)}"


def _as_text(redact: Callable[[str], str], plant: Plant) -> str:
    return redact(hosted(plant))


def hosted(plant: Plant) -> str:
    """The text around a planted secret: a module for code, and only itself for another file."""
    if not plant.is_code:
        return plant.text
    above, below = _host()
    return f"{above}\n{plant.text}\n{below}"


def _host() -> tuple[str, str]:
    source = Path(textwrap.__file__).read_text(encoding="utf-8")
    at = source.index("\n# -- Convenience interface")
    return source[:at], source[at:]


def kept(plant: Plant) -> str:
    """The text that the store would write for a prompt below the planted secret."""
    text = hosted(plant) if plant.is_code else f'import re\n\nNOTES = r"""\n{plant.text}\n"""\n'
    text += "\n\ndef count_words(text: str) -> int:\n    "
    document = Document(uri="file:///p/a.py", version=1, text=text)
    context = read_context(document, len(text), prefix_tokens=1200, suffix_tokens=300)
    if context is None:  # an open string continues to the cursor, and plum-lsp does not complete there
        return REDACTED
    sampling = SamplingOptions(temperatures=(0.2,), top_p=0.95, max_tokens=64, seed=0)
    request = SuggestionRequest(
        id=RequestId("r"), document=document, offset=len(text), trigger=Trigger.INVOKED, deadline=0.0
    )
    event = redacted_fact(
        Prompted(request=request, context=context, prompt=build_prompt(context, None), options=sampling)
    )
    assert isinstance(event, Prompted)
    return "\n".join((event.context.before, event.context.after, event.prompt.text))


def _tell_recall(name: str, plants: list[Plant], clean: Callable[[Plant], str], shows: bool) -> None:
    missed: dict[str, list[str]] = {}
    hidden = total = 0
    for plant in plants:
        text = clean(plant)
        left = [secret for secret in plant.secrets if secret in text]
        total, hidden = total + len(plant.secrets), hidden + len(plant.secrets) - len(left)
        if left:
            missed.setdefault(plant.kind, []).append(plant.text)
    kinds = {plant.kind for plant in plants}
    share = (len(kinds) - len(missed)) / len(kinds)
    print(f"{name}: {hidden} of {total} secrets, {len(kinds) - len(missed)} of {len(kinds)} kinds always ({share:.3f})")
    for kind, texts in missed.items() if shows else ():
        print(f"    {kind}: {len(texts)} of {PLANTS}: {texts[0].strip()[:140]!r}")


def _tell_alarms(name: str, redact: Callable[[str], str], folders: list[Path], shows: bool) -> None:
    lines = alarms = 0
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        lines += text.count("\n") + 1
        clean = redact(text)
        if clean == text:
            continue
        changed = set(text.split("\n")) - set(clean.split("\n"))
        alarms += sum(line in changed for line in text.split("\n"))
        for line in sorted(changed) if shows else ():
            print(f"    {path}: {line.strip()[:160]}")
    print(f"{name}: {alarms} of {lines} lines changed ({alarms / lines:.4%})")


def _redacted_at(revision: str) -> Callable[[str], str]:
    """`redacted` as it was in one module at an earlier revision."""
    path = "plum_lsp/feedback/redaction.py"
    source = subprocess.run(["git", "show", f"{revision}:{path}"], capture_output=True, text=True, check=True).stdout
    module = types.ModuleType("redaction_before")
    sys.modules[module.__name__] = module
    exec(compile(source, path, "exec"), module.__dict__)
    function: Callable[[str], str] = module.redacted
    return function


if __name__ == "__main__":
    main()
