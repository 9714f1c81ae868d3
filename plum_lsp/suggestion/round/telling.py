"""Tells the recorder the facts of one request. What is known of a candidate is told once, and again when it changes."""

from __future__ import annotations

from plum_lsp.domain.events import Event, Verified
from plum_lsp.domain.ports import Recorder
from plum_lsp.domain.suggestion import Judged, RequestId
from plum_lsp.verification.excerpts import labelled
from plum_lsp.verification.judge import Judge, index_of


class Telling:
    """The recorder of one request, and what it heard last of each candidate."""

    def __init__(self, recorder: Recorder, request_id: RequestId) -> None:
        self._recorder = recorder
        self._request_id = request_id
        self._heard: dict[int, Judged] = {}

    def record(self, event: Event) -> None:
        """Tell one fact."""
        self._recorder.record(event)

    def tell(self, judge: Judge, judged: Judged) -> None:
        """Tell what is known of a candidate, unless it was told already. `judge` is who judged it."""
        judged = labelled(judge, judged)
        if self._heard.get(index_of(judged)) == judged:
            return
        self._heard[index_of(judged)] = judged
        isolation = judge.sandbox.tier if judged.has_run else None
        self.record(Verified(request_id=self._request_id, judged=judged, isolation=isolation))
