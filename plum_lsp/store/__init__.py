"""The only package that knows SQL: facts as they happened, written once, never rewritten."""

from plum_lsp.store.database import set_aside
from plum_lsp.store.known import Explanation, KnownCandidate, KnownOutcome, KnownTest, Overview, VersionEvidence
from plum_lsp.store.queries import Reader, open_reader
from plum_lsp.store.writer import Store, StoreRecorder, StoreStatus, check_store, open_recorder, open_store

__all__ = [
    "Explanation",
    "KnownCandidate",
    "KnownOutcome",
    "KnownTest",
    "Overview",
    "Reader",
    "Store",
    "StoreRecorder",
    "StoreStatus",
    "VersionEvidence",
    "check_store",
    "open_reader",
    "open_recorder",
    "open_store",
    "set_aside",
]
