"""What `policy.url` says: where the endpoints are, which query a request keeps, and how the server takes a key. Pure.

Azure OpenAI takes a key as `api-key`, and a token of its directory as a bearer token. Its older addresses name the
deployment in the path and the version of the protocol in the query, and its lists of models leave deployments out. The
key goes to the host of `policy.url` alone, in one of the two headers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

AZURE = "Azure OpenAI"

_ENDPOINT = re.compile(r"(?:/chat)?/completions\Z")
"""What people copy from a server's documentation, where its address is asked for."""
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)\Z")
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True, slots=True)
class Address:
    """A server. `base` is what stands before `/completions`, and `query` what stands behind it (often empty)."""

    base: str
    query: str = ""

    @property
    def deployment(self) -> str:
        """The deployment that an address of Azure OpenAI names. Empty without one."""
        found = _DEPLOYMENT.search(self.base)
        return unquote(found[1]) if found else ""

    def at(self, path: str) -> str:
        """The address of an endpoint."""
        return f"{self.base}{path}?{self.query}" if self.query else f"{self.base}{path}"


def address_of(url: str) -> Address:
    """The address that the setting means, with or without the endpoint at its end."""
    base, _, query = url.strip().partition("#")[0].partition("?")
    return Address(_ENDPOINT.sub("", base.rstrip("/")), query)


def is_azure(url: str) -> bool:
    """Whether an address has the form of Azure OpenAI, at a host of its own or behind a gateway."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return host.endswith(_AZURE_HOSTS) or bool(address_of(url).deployment)


def key_headers(url: str, key: str) -> dict[str, str]:
    """The header that carries a key to the server at `url`. Empty without a key."""
    if not key:
        return {}
    is_token = key.count(".") == 2  # RFC 7519; a key has no full stop
    return {"api-key": key} if is_azure(url) and not is_token else {"Authorization": f"Bearer {key}"}
