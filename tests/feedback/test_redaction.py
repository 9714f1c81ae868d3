"""Secrets are taken out before anything is written, and code that holds none is left as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.facts import candidate, prompted, suggestion

from plum_lsp.domain.events import Prompted, Sampled
from plum_lsp.domain.learning import Survival
from plum_lsp.domain.suggestion import OfferId, RequestId
from plum_lsp.feedback.redaction import REDACTED, Redactor, redacted, redacted_fact
from plum_lsp.store import open_store

SECRETS = (
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "xoxb-" + "123456789012-abcdefghijkl",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "sk-" + "abcdefghijklmnopqrstuvwxyz123456",
    "hf_" + "abcdefghijklmnopqrstuvwx",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def",
    "hunter22secret",
)
TEMPLATES = (
    'key = "{}"  # and on\n',
    "password = '{}'\n",
    'connect("postgres://bob:{}@host/db")\n',
)


@pytest.mark.parametrize("secret", SECRETS[:-1])
def test_what_looks_like_a_key_goes(secret: str) -> None:
    """Wherever it stands; the code around it stays."""
    for template in TEMPLATES:
        assert redacted(template.format(secret)) in {
            template.format(REDACTED),
            template.replace("bob:{}", REDACTED).format(REDACTED),
        }


@pytest.mark.parametrize(
    "text", ['password = "{}"', "API_KEY: str = '{}'", '{{"auth_token": "{}"}}', 'url = "ftp://me:{}@box"']
)
def test_what_is_called_a_password_goes(text: str) -> None:
    """Whatever it looks like."""
    assert SECRETS[-1] not in redacted(text.format(SECRETS[-1]))


def test_a_private_key_goes_whole() -> None:
    """Even if its end is not in sight."""
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n"
    assert redacted(f'KEY = """{block}') == f'KEY = """{REDACTED}'


def test_code_stays_code() -> None:
    """Nothing in a real module looks like a secret."""
    source = Path(redacted_fact.__code__.co_filename).with_name("outcomes.py").read_text(encoding="utf-8")
    assert redacted(source) == source


def test_every_text_of_an_event_is_looked_at() -> None:
    """Prompt, program, completion and what survived."""
    secret = f'token = "{SECRETS[1]}"\n'
    event = redacted_fact(prompted(prompt=secret))
    assert isinstance(event, Prompted)
    sampled = redacted_fact(Sampled(request_id=RequestId("r"), candidate=candidate(text=secret), duplicate_of=None))
    survival = redacted_fact(Survival(offer_id=OfferId("o"), after_ms=1, share=1.0, text=secret, at=0.0))
    for fact in (event, sampled, survival):
        written = (
            repr(fact).replace(repr(secret), "", 1) if isinstance(fact, Sampled) else repr(fact)
        )  # its fingerprint
        assert SECRETS[1] not in written


def test_no_byte_of_a_secret_reaches_the_disk(tmp_path: Path) -> None:
    """The store, written with the cleaning that the server uses, does not hold it anywhere."""
    path = tmp_path / "plum.sqlite3"
    store = open_store(path, clean=redacted_fact)
    secret = SECRETS[1]
    first, *rest = suggestion()
    assert isinstance(first, Prompted)
    for event in (prompted(prompt=f'token = "{secret}"'), *rest):
        store.record(event)
    store.close()
    assert store.status().lost == 0
    everything = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    assert secret.encode() not in everything
    assert REDACTED.encode() in everything


def cut_prompt(document: str, prompt: str) -> str:
    """What is kept of a prompt that is a part of a document."""
    event = prompted(prompt=prompt)
    request = replace(event.request, document=replace(event.request.document, text=document))
    cleaned = redacted_fact(replace(event, request=request))
    assert isinstance(cleaned, Prompted)
    return cleaned.prompt.text


def test_a_secret_is_known_from_the_document_where_the_window_cuts_it() -> None:
    """Without the name before it, and in the middle of its value."""
    secret = "V7k2-mQ9x-" * 6
    document = f'password = """{secret}"""\n\n\ndef f():\n    pass\n'
    assert secret[-20:] not in cut_prompt(document, secret[15:] + '"""\n\n\ndef f():\n')
    assert secret[:20] not in cut_prompt(document, f'x = """{secret[:-5]}')


def test_what_is_made_of_a_document_is_searched_for_its_secrets() -> None:
    """A candidate that repeats one without its name, a test, a value that was shown, what stands there later."""
    secret = "Maple-" + "47-river"
    cleaner = Redactor()
    first, *rest = suggestion()
    assert isinstance(first, Prompted)
    document = replace(first.request.document, text=f'PASSWORD = "{secret}"\n')
    cleaner(replace(first, request=replace(first.request, document=document)))
    sampled = cleaner(
        Sampled(request_id=RequestId("r1"), candidate=candidate(text=f"return {secret!r}\n"), duplicate_of=None)
    )
    assert isinstance(sampled, Sampled)
    assert secret not in sampled.candidate.text + sampled.candidate.completion.text
    for event in rest:
        cleaner(event)
    survival = cleaner(Survival(offer_id=OfferId("r1-offer"), after_ms=1, share=1.0, text=f"call({secret!r})", at=0.0))
    assert secret not in repr(survival)


def test_a_candidate_is_read_after_what_stands_before_it() -> None:
    """`password = ` is in the buffer, the literal in the candidate."""
    cleaner = Redactor()
    event = prompted()
    text = "import db\npassword = "
    request = replace(event.request, document=replace(event.request.document, text=text), offset=len(text))
    cleaner(replace(event, request=request))
    sampled = cleaner(Sampled(request_id=RequestId("r1"), candidate=candidate(text='"hunter22"\n'), duplicate_of=None))
    assert isinstance(sampled, Sampled)
    assert sampled.candidate.text == f'"{REDACTED}"\n'
