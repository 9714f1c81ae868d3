"""Turns events and outcomes into rows. It only inserts. A row without its parent is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime

from sqlite_utils import Database

from plum_lsp.domain.events import Appraised, Ended, Event, Prompted, Revised, Sampled, Supported, Synthesized, Verified
from plum_lsp.domain.learning import Outcome, Survival
from plum_lsp.domain.pilot import Assignment
from plum_lsp.domain.suggestion import Judged, Offer, PolicyVersion, RequestId
from plum_lsp.domain.verification import SandboxTier, TestCase
from plum_lsp.store.identity import Identity


class MissingParent(ValueError):
    """The fact refers to one that was never written (its event was lost)."""


def write_event(db: Database, event: Event, *, at: float, identity: Identity) -> None:
    """Insert what one event tells. `at` is POSIX time in seconds, `identity` says whose request it is.

    Raises:
        MissingParent: the request or candidate it belongs to is not in the database.
        sqlite3.Error: the database refused.
    """
    match event:
        case Prompted():
            _write_prompted(db, event, instant(at), identity)
        case Synthesized():
            _write_tests(db, event.request_id, event.tests)
        case Sampled():
            _write_sampled(db, event, instant(at))
        case Verified():
            _write_judged(db, event.request_id, event.judged, event.isolation, instant(at))
        case Supported():
            _write_tests(db, event.request_id, event.tests)
            for judged in event.judged:
                _write_judged(db, event.request_id, judged, event.isolation, instant(at))
        case Appraised():
            _write_appraised(db, event, instant(at))
        case Ended():
            _write_ended(db, event, instant(at))
        case Revised():
            pass  # the judgements tell what is known now, and the outcomes what was on the screen


def write_outcome(db: Database, outcome: Outcome | Survival) -> None:
    """Insert one outcome, or what survived of an accepted text.

    Raises:
        MissingParent: the offer is not in the database.
        sqlite3.Error: the database refused.
    """
    if isinstance(outcome, Survival):
        _write_survival(db, outcome)
        return
    inserted = db.execute(
        """
        INSERT INTO outcomes (offer_id, kind, source, accepted_length, visible_ms, happened_at, tier)
        SELECT id, :kind, :source, :accepted_length, :visible_ms, :happened_at, :tier FROM offers WHERE id = :offer_id
        """,
        {
            "offer_id": outcome.offer_id,
            "kind": outcome.kind.value,
            "source": outcome.source.value,
            "accepted_length": outcome.accepted_length,
            "visible_ms": outcome.visible_ms,
            "happened_at": instant(outcome.at),
            "tier": outcome.tier.value if outcome.tier else None,
        },
    )
    if not inserted.rowcount:
        raise MissingParent(f"no offer {outcome.offer_id}")


def _write_survival(db: Database, survival: Survival) -> None:
    """A delay is measured once for each offer."""
    inserted = db.execute(
        """
        INSERT INTO survivals (offer_id, after_ms, share, text, measured_at)
        SELECT id, :after_ms, :share, :text, :measured_at FROM offers WHERE id = :offer_id
        """,
        {
            "offer_id": survival.offer_id,
            "after_ms": survival.after_ms,
            "share": survival.share,
            "text": survival.text,
            "measured_at": instant(survival.at),
        },
    )
    if not inserted.rowcount:
        raise MissingParent(f"no offer {survival.offer_id}")


def instant(at: float) -> str:
    """POSIX seconds as UTC text that sorts by time."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def hash_of(prompt: str) -> str:
    """The key that makes two completions comparable: the sha256 of the prompt, in hex."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def _insert(db: Database, table: str, row: dict[str, object], *, or_what: str = "") -> None:
    """Insert a row whose keys are the columns. `Database.table` would read the schema and set a savepoint each time."""
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT {or_what} INTO {table} ({names}) VALUES ({values})", row)  # noqa: S608 (our own names)


def _write_prompted(db: Database, event: Prompted, at: str, identity: Identity) -> None:
    request, context, prompt, options = event.request, event.context, event.prompt, event.options
    prompt_hash = hash_of(prompt.text)
    db.execute(
        "INSERT INTO prompts (hash, text) VALUES (:hash, :text) ON CONFLICT DO NOTHING",
        {"hash": prompt_hash, "text": prompt.text},
    )
    db.execute(
        """
        INSERT INTO programs (prompt_hash, before, after) VALUES (:prompt_hash, :before, :after)
        ON CONFLICT DO NOTHING
        """,
        {"prompt_hash": prompt_hash, "before": context.before, "after": context.after},
    )
    _insert(
        db,
        "requests",
        {
            "id": request.id,
            "prompt_hash": prompt_hash,
            "document_uri": request.document.uri,
            "document_version": request.document.version,
            "cursor_offset": request.offset,
            "trigger": request.trigger.value,
            "hole_kind": context.block.kind.value,
            "hole_start": context.hole.start,
            "hole_end": context.hole.end,
            "function_name": context.function.qualified_name if context.function else None,
            "is_excerpt": int(context.is_excerpt),
            "restored": prompt.restored,
            "stop": json.dumps(prompt.stop),
            "temperatures": json.dumps(options.temperatures),
            "top_p": options.top_p,
            "max_tokens": options.max_tokens,
            "seed": options.seed,
            "prompted_at": at,
            "author": identity.author,
            "machine": identity.machine,
            **_assigned(db, request.assignment),
        },
    )


def _assigned(db: Database, assignment: Assignment | None) -> dict[str, object]:
    """The columns of a pilot. They are empty if none runs, or if the user has just had it forgotten."""
    if assignment is None or not list(db.query("SELECT 1 FROM pilots WHERE id = :id", {"id": assignment.pilot})):
        return {"pilot_id": None, "arm": None}
    return {"pilot_id": assignment.pilot, "arm": assignment.arm.value}


def _write_tests(db: Database, request_id: RequestId, tests: tuple[TestCase, ...]) -> None:
    """A test that stands already is left as it is: the offer names again what the synthesis told."""
    for position, test in enumerate(tests):
        db.execute(
            """
            INSERT INTO test_cases
              (request_id, id, position, origin, setup, expression, expectation_kind, expectation, quote)
            VALUES
              (:request_id, :id, :position, :origin, :setup, :expression, :expectation_kind, :expectation, :quote)
            ON CONFLICT DO NOTHING
            """,
            {
                "request_id": request_id,
                "id": test.id,
                "position": position,
                "origin": test.origin.value,
                "setup": test.call.setup,
                "expression": test.call.expression,
                "expectation_kind": type(test.expectation).__name__.lower(),
                "expectation": json.dumps(dataclasses.asdict(test.expectation)),
                "quote": test.quote,
            },
        )


def _write_sampled(db: Database, event: Sampled, at: str) -> None:
    """The group's parameters are copied from the request, so that each candidate's row says how it was sampled."""
    candidate, completion = event.candidate, event.candidate.completion
    inserted = db.execute(
        """
        INSERT INTO candidates
          (request_id, id, position, policy_version_id, model_sha256, prompt_hash, temperature, top_p, max_tokens,
           seed, completion, text, fingerprint, problem, finish, token_logprobs, mean_logprob, duplicate_of,
           first_token_ms, ended_ms, sampled_at)
        SELECT
           requests.id, :id, :position, :policy_version_id, :model_sha256, prompt_hash, :temperature, top_p, max_tokens,
           :seed, :completion, :text, :fingerprint, :problem, :finish, :token_logprobs, :mean_logprob, :duplicate_of,
           :first_token_ms, :ended_ms, :sampled_at
        FROM requests WHERE requests.id = :request_id
        """,
        {
            "request_id": event.request_id,
            "id": candidate.id,
            "position": completion.index,
            "policy_version_id": _policy_version_id(db, candidate.policy_version, at),
            "model_sha256": candidate.policy_version.model_sha256,
            "temperature": completion.temperature,
            "seed": completion.seed,
            "completion": completion.text,
            "text": candidate.text,
            "fingerprint": candidate.fingerprint,
            "problem": candidate.problem,
            "finish": completion.finish.value,
            "token_logprobs": json.dumps(completion.token_logprobs),
            "mean_logprob": candidate.mean_logprob,
            "duplicate_of": event.duplicate_of,
            "first_token_ms": completion.first_token_ms,
            "ended_ms": completion.ended_ms,
            "sampled_at": at,
        },
    )
    if not inserted.rowcount:
        raise MissingParent(f"no request {event.request_id}")


def _policy_version_id(db: Database, version: PolicyVersion, at: str) -> int:
    """The row of a policy version, made when it is first seen."""
    values = {**dataclasses.asdict(version), "first_seen_at": at}
    db.execute(
        """
        INSERT INTO policy_versions (number, model, model_sha256, adapter_sha256, first_seen_at)
        VALUES (:number, :model, :model_sha256, :adapter_sha256, :first_seen_at) ON CONFLICT DO NOTHING
        """,
        values,
    )
    ((row_id,),) = db.execute(
        """
        SELECT id FROM policy_versions WHERE number = :number AND model = :model
          AND model_sha256 = :model_sha256 AND adapter_sha256 = :adapter_sha256
        """,
        values,
    ).fetchall()
    return int(row_id)


def _write_judged(db: Database, request_id: RequestId, judged: Judged, isolation: SandboxTier | None, at: str) -> None:
    """A candidate may be judged again (promoted by its cluster): a further judgement, while verdicts stand."""
    candidate_id = judged.candidate.id
    _insert(
        db,
        "judgements",
        {
            "request_id": request_id,
            "candidate_id": candidate_id,
            "tier": judged.tier.value,
            "score": judged.score,
            "reason": judged.reason,
            "probability": judged.probability,
            "strength": judged.strength,
            "judged_at": at,
            "sandbox_tier": isolation.name if isolation else None,
            "python_version": isolation.python_version if isolation else None,
        },
    )
    if isolation is None:
        return
    for verdict in judged.verdicts:
        db.execute(
            """
            INSERT INTO verdicts
              (request_id, candidate_id, test_id, status, shown, wall_ms, sandbox_tier, sandbox_layers,
               python_version, judged_at)
            VALUES
              (:request_id, :candidate_id, :test_id, :status, :shown, :wall_ms, :sandbox_tier, :sandbox_layers,
               :python_version, :judged_at)
            ON CONFLICT DO NOTHING
            """,
            {
                "request_id": request_id,
                "candidate_id": candidate_id,
                "test_id": verdict.test_id,
                "status": verdict.status.value,
                "shown": verdict.shown,
                "wall_ms": verdict.wall_ms,
                "sandbox_tier": isolation.name,
                "sandbox_layers": json.dumps(isolation.layers),
                "python_version": isolation.python_version,
                "judged_at": at,
            },
        )


def _write_appraised(db: Database, event: Appraised, at: str) -> None:
    for candidate_id, quality in event.qualities:
        row = {**dataclasses.asdict(quality), "security": json.dumps(quality.security)}
        identity = {"request_id": event.request_id, "candidate_id": candidate_id, "appraised_at": at}
        _insert(db, "qualities", {**identity, **row}, or_what="OR IGNORE")


def _write_ended(db: Database, event: Ended, at: str) -> None:
    offer_id, reason, detail = None, None, ""
    if isinstance(event.result, Offer):
        _write_offer(db, event.result, at)
        offer_id = event.result.id
    else:
        reason, detail = event.result.reason.value, event.result.detail
    _insert(
        db,
        "endings",
        {
            "request_id": event.request_id,
            "offer_id": offer_id,
            "reason": reason,
            "detail": detail,
            "stages_ms": json.dumps(event.stages_ms),
            "ended_at": at,
        },
    )


def _write_offer(db: Database, offer: Offer, at: str) -> None:
    _write_tests(db, offer.request_id, offer.tests)
    _insert(
        db,
        "offers",
        {
            "id": offer.id,
            "request_id": offer.request_id,
            "candidate_id": offer.chosen.candidate.id,
            "hole_start": offer.hole.start,
            "hole_end": offer.hole.end,
            "tier": offer.chosen.tier.value,
            "score": offer.chosen.score,
            "reason": offer.chosen.reason,
            "alternatives": json.dumps([judged.candidate.id for judged in offer.alternatives]),
            "offered_at": at,
        },
    )
