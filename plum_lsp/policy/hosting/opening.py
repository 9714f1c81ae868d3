"""Opens the policy that options describe: a server by URL, the shared server of this user, or a child process."""

from __future__ import annotations

from plum_lsp.domain.ports import Policy
from plum_lsp.policy.client.completions import CompletionsPolicy
from plum_lsp.policy.client.connection import Connection
from plum_lsp.policy.client.watched import WatchedPolicy
from plum_lsp.policy.hosting.embedded_policy import EmbeddedPolicy
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.served_policy import ServedPolicy
from plum_lsp.policy.hosting.serving import read_state

URL_TRIES = 3


def open_policy(options: PolicyOptions) -> Policy:
    """The policy that these options describe. It starts no process and opens no connection yet.

    Raises:
        ModelError: there is no such model.
    """
    state = read_state(options.data_dir) if options.data_dir else None
    if options.url and (state is None or options.url.rstrip("/") != state.url):
        reach = Connection(api_key=options.api_key, ca_file=options.ca_file, proxy=options.proxy)
        return WatchedPolicy(CompletionsPolicy(options.url, model=options.model, connection=reach), tries=URL_TRIES)
    if options.data_dir is not None and (state is not None or options.url):
        return WatchedPolicy(ServedPolicy(options.data_dir), tries=1)  # it waits for its server by itself
    return WatchedPolicy(EmbeddedPolicy(options), tries=1)  # it starts its server again by itself
