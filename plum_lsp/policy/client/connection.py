"""How a policy server is reached over HTTP: key, certificates, proxy, time limits. One place for all clients."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

import certifi
import httpx

from plum_lsp.domain.errors import ConfigError, PolicyRefused, PolicyUnavailable
from plum_lsp.policy.client.address import key_headers
from plum_lsp.policy.client.closing import ClosingClient

CONNECT_SECONDS = 5.0
"""A server that does not accept a connection within this time counts as unreachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is needed to reach a server. `ca_file` adds a private authority to the system's. `proxy` is a URL.

    Without `proxy`, the usual environment variables (`HTTPS_PROXY`, `NO_PROXY`) apply, except for this machine.
    """

    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    proxy: str = ""

    def client(self, url: str, *, timeout: httpx.Timeout | None = None) -> httpx.AsyncClient:
        """A client for a server at `url`.

        Raises:
            ConfigError: the certificate file cannot be read.
        """
        is_near = is_loopback(url)
        return ClosingClient(
            headers=key_headers(url, self.api_key),
            timeout=timeout or httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
            trust_env=not is_near,
            proxy=self.proxy or None if not is_near else None,
            verify=_trust(self.ca_file),
        )


@cache
def _trust(ca_file: str) -> ssl.SSLContext:
    """The trusted authorities. They are cached, because reading them takes 50 ms for each client."""
    trust = ssl.create_default_context()
    trust.load_verify_locations(cafile=certifi.where())  # a machine may have no authorities of its own
    if ca_file:
        try:
            trust.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"policy.ca_file {ca_file} cannot be used: {error}") from error
    return trust


def sends_in_clear(url: str) -> bool:
    """Whether what is sent to `url` crosses a network without encryption."""
    return url.lower().startswith("http://") and not is_loopback(url)


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unreachable(error: httpx.RequestError | httpx.InvalidURL, url: str) -> PolicyUnavailable:
    """What a failed exchange with the server at `url` means, and what to do about it."""
    reason = str(error) or type(error).__name__
    told = f"the policy server at {url} cannot be reached: {reason}"
    if isinstance(error, httpx.ProxyError):
        return PolicyUnavailable(f"the proxy on the way to {url} refused: {reason}", remedy="Check policy.proxy.")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return PolicyRefused(told, remedy="Check policy.url (PLUM_POLICY_URL).")
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        why = reason.rpartition("verify failed: ")[2].partition(" (_ssl")[0]
        return PolicyRefused(
            f"the certificate of {url} is not trusted: {why}",
            remedy="Name the authority that signed it in policy.ca_file (PLUM_POLICY_CA_FILE).",
        )
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER_FAILURE" in reason:
        return PolicyRefused(
            f"{url} does not speak TLS", remedy="Does policy.url (PLUM_POLICY_URL) begin with http://?"
        )
    if isinstance(error, httpx.DecodingError):
        return PolicyUnavailable(f"the policy server at {url} sent bytes that cannot be decompressed: {reason}")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        told = f"the policy server at {url} broke off: {reason}"
    return PolicyUnavailable(told, remedy="Check that it runs and that policy.url (PLUM_POLICY_URL) is its address.")
