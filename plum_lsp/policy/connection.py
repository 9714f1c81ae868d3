"""How a policy server is reached over HTTP: key, certificates, proxy, time limits. One place for all clients."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from plum_lsp.domain.errors import ConfigError
from plum_lsp.policy.closing import ClosingClient

CONNECT_SECONDS = 5.0
"""A server that does not accept within this is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What it takes to reach a server. `ca_file` adds a private authority to the system's; `proxy` is its URL.

    Without `proxy` the usual environment variables (`HTTPS_PROXY`, `NO_PROXY`) hold, but never for this machine.
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
            headers={"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
            timeout=timeout or httpx.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
            trust_env=not is_near,
            proxy=self.proxy or None if not is_near else None,
            verify=self._trust(),
        )

    def _trust(self) -> ssl.SSLContext | bool:
        if not self.ca_file:
            return True
        try:
            trust = ssl.create_default_context()
            trust.load_verify_locations(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"policy.ca_file {self.ca_file} cannot be used: {error}") from error
        return trust


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
