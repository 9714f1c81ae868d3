"""Counts the requests of a server. If the settings name a port, it exports the counts to a local Prometheus.

It exports numbers and fixed words only: no text, no path, no name that a user chose. It does not know LSP.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, make_wsgi_app

from plum_lsp.domain.events import Event, Sampled
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, Tier

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
"""Always the loopback address, because other machines must not see how much a user types."""
_POLL_SECONDS = 0.05
"""How long closing the page may take. The standard library's half a second would hold up a change of settings."""
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
RUNGS = frozenset(
    {
        "context",
        "synthesis",
        "policy_ready",
        "first_candidate",
        "first_verified",
        "sampled",
        "clear",
        "compared",
        "appraised",
        "ended",
    }
)
"""The stages that the pipeline reports (`pipeline`). The list is fixed, so that the label has a bounded set of
values."""


def end_of(result: Offer | Abstention | None, *, is_stale: bool) -> str:
    """How a request ended, for the log and the counts."""
    if result is None:
        return "superseded"
    if isinstance(result, Abstention):
        return f"abstention:{result.reason.value}"
    tier = result.chosen.tier.value
    return f"{'stale' if is_stale else 'offer'}:{tier} offer={result.id}"


class Metrics:
    """The counts since the server started."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._requests = Counter("plum_requests", "Requests of the editor, by their end.", ["end"], registry=registry)
        self._offers = Counter("plum_offers", "Suggestions sent, by their label.", ["tier"], registry=registry)
        self._abstentions = Counter(
            "plum_abstentions", "Requests without a suggestion, by reason.", ["reason"], registry=registry
        )
        self._cancellations = Counter(
            "plum_cancellations", "Requests ended by the editor or by a newer one.", registry=registry
        )
        self._rungs = Histogram(
            "plum_rung_seconds",
            "From the start of a request until a stage was first reached.",
            ["rung"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._version = Gauge(
            "plum_policy_version", "The version that wrote the last candidate. 0 is a base model.", registry=registry
        )
        ProcessCollector(registry=self.registry)
        for tier in Tier:
            self._offers.labels(tier.value)
        for reason in AbstentionReason:
            self._abstentions.labels(reason.value)

    def record(self, event: Event) -> None:
        """Take one event of the pipeline."""
        if isinstance(event, Sampled):
            self._version.set(event.candidate.policy_version.number)

    def request_ended(self, end: str, stages_ms: Mapping[str, float]) -> None:
        """Count a request that ended.

        Args:
            end: `offer:TIER`, `stale:TIER`, `abstention:REASON`, `typed_through`, `repeated`, `cancelled` or
                `superseded`.
            stages_ms: when each stage was reached, from the start of the request.
        """
        kind, _, what = end.partition(":")
        self._requests.labels(kind).inc()
        if kind == "offer":
            self._offers.labels(what).inc()
        elif kind == "abstention":
            self._abstentions.labels(what).inc()
        elif kind in {"cancelled", "superseded"}:
            self._cancellations.inc()
        for rung, reached in stages_ms.items():
            if rung in RUNGS:
                self._rungs.labels(rung).observe(reached / 1000)


class MetricsPage:
    """`http://127.0.0.1:PORT/metrics`, open or not."""

    def __init__(self, metrics: Metrics, complain: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._complain = complain
        self._port = 0
        self._server: tuple[WSGIServer, Thread] | None = None

    def serve_at(self, port: int) -> None:
        """Open the page at a port.

        0 closes it. If the port is in use, the server reports that and works without a page.
        """
        if port == self._port:
            return
        self.close()
        self._port = port
        if not port:
            return
        try:
            server = make_server(HOST, port, _only_by_our_name(self._metrics.registry), _PageServer, _PageHandler)
        except OSError as error:
            self._complain(
                f"Metrics cannot be served at {HOST}:{port} ({error.strerror}). Set metrics.port to another, or to 0."
            )
        else:
            thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
            thread.start()
            self._server = server, thread
            logger.info("metrics at http://%s:%d/metrics", HOST, port)

    def close(self) -> None:
        """Close the page. Idempotent."""
        self._port = 0
        if self._server is not None:
            (server, thread), self._server = self._server, None
            server.shutdown()
            server.server_close()
            thread.join()


class _PageServer(ThreadingMixIn, WSGIServer):
    """Serves each client in its own thread, so that a slow client does not delay others."""

    daemon_threads = True


class _PageHandler(WSGIRequestHandler):
    """Writes no log to standard error, and ends the wait for a silent client after a time limit."""

    timeout = 5

    def log_message(self, *_: Any) -> None:
        pass


def _only_by_our_name(registry: CollectorRegistry) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The page, for requests that call this machine by its own name.

    A web page may point its own host name to the loopback address and then read the response (DNS rebinding). The
    browser's request then names that host.
    """
    page = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        host, _, port = environ.get("HTTP_HOST", "").partition(":")
        if host.lower() in {HOST, "localhost"} and port == environ["SERVER_PORT"]:
            found: Iterable[bytes] = page(environ, start)
            return found
        start("421 Misdirected Request", [("Content-Type", "text/plain")])
        return [f"this page is http://{HOST}:{environ['SERVER_PORT']}/metrics\n".encode()]

    return answer
