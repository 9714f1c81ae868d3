"""The SQL of the migrations, one text each. `migrations` says what each is for. A released text is never changed."""

from __future__ import annotations

M001 = """
CREATE TABLE policy_versions (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  adapter_sha256 TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  UNIQUE (number, model, model_sha256, adapter_sha256)
) STRICT;
CREATE TABLE prompts (
  hash TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  document_uri TEXT NOT NULL,
  document_version INTEGER NOT NULL,
  cursor_offset INTEGER NOT NULL,
  trigger TEXT NOT NULL,
  hole_kind TEXT NOT NULL,
  hole_start INTEGER NOT NULL,
  hole_end INTEGER NOT NULL,
  function_name TEXT,
  is_excerpt INTEGER NOT NULL,
  restored TEXT NOT NULL,
  stop TEXT NOT NULL,
  temperatures TEXT NOT NULL,
  top_p REAL NOT NULL,
  max_tokens INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  prompted_at TEXT NOT NULL
) STRICT;
CREATE TABLE test_cases (
  request_id TEXT NOT NULL REFERENCES requests (id),
  id TEXT NOT NULL,
  position INTEGER NOT NULL,
  origin TEXT NOT NULL,
  setup TEXT NOT NULL,
  expression TEXT NOT NULL,
  expectation_kind TEXT NOT NULL,
  expectation TEXT NOT NULL,
  quote TEXT NOT NULL,
  PRIMARY KEY (request_id, id)
) STRICT;
CREATE TABLE candidates (
  request_id TEXT NOT NULL REFERENCES requests (id),
  id TEXT NOT NULL,
  position INTEGER NOT NULL,
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  model_sha256 TEXT NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  temperature REAL NOT NULL,
  top_p REAL NOT NULL,
  max_tokens INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  completion TEXT NOT NULL,
  text TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  problem TEXT NOT NULL,
  finish TEXT NOT NULL,
  token_logprobs TEXT NOT NULL,
  mean_logprob REAL,
  duplicate_of INTEGER,
  first_token_ms REAL NOT NULL,
  ended_ms REAL NOT NULL,
  sampled_at TEXT NOT NULL,
  PRIMARY KEY (request_id, id)
) STRICT;
CREATE TABLE judgements (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  reason TEXT NOT NULL,
  judged_at TEXT NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE INDEX judgements_by_candidate ON judgements (request_id, candidate_id);
CREATE TABLE verdicts (
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  test_id TEXT NOT NULL,
  status TEXT NOT NULL,
  shown TEXT NOT NULL,
  wall_ms REAL NOT NULL,
  sandbox_tier TEXT NOT NULL,
  sandbox_layers TEXT NOT NULL,
  python_version TEXT NOT NULL,
  judged_at TEXT NOT NULL,
  PRIMARY KEY (request_id, candidate_id, test_id),
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id),
  FOREIGN KEY (request_id, test_id) REFERENCES test_cases (request_id, id)
) STRICT;
CREATE TABLE offers (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE REFERENCES requests (id),
  candidate_id TEXT NOT NULL,
  hole_start INTEGER NOT NULL,
  hole_end INTEGER NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  reason TEXT NOT NULL,
  alternatives TEXT NOT NULL,
  offered_at TEXT NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE endings (
  request_id TEXT PRIMARY KEY,
  offer_id TEXT REFERENCES offers (id),
  reason TEXT,
  detail TEXT NOT NULL,
  stages_ms TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  CHECK ((offer_id IS NULL) <> (reason IS NULL))
) STRICT;
CREATE TABLE outcomes (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  accepted_length INTEGER,
  visible_ms REAL,
  happened_at TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_by_offer ON outcomes (offer_id);
"""

M002 = """
ALTER TABLE judgements ADD COLUMN probability REAL;
ALTER TABLE judgements ADD COLUMN strength REAL;
"""

M003 = """
CREATE TABLE programs (
  prompt_hash TEXT PRIMARY KEY REFERENCES prompts (hash),
  before TEXT NOT NULL,
  after TEXT NOT NULL
) STRICT;
CREATE TABLE survivals (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  after_ms INTEGER NOT NULL,
  share REAL NOT NULL,
  text TEXT NOT NULL,
  measured_at TEXT NOT NULL,
  UNIQUE (offer_id, after_ms)
) STRICT;
CREATE TABLE preference_pairs (
  id INTEGER PRIMARY KEY,
  build INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  source TEXT NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  chosen_request_id TEXT NOT NULL,
  chosen_candidate_id TEXT NOT NULL,
  chosen_text TEXT,
  rejected_request_id TEXT NOT NULL,
  rejected_candidate_id TEXT NOT NULL,
  weight REAL NOT NULL,
  distance REAL NOT NULL,
  FOREIGN KEY (chosen_request_id, chosen_candidate_id) REFERENCES candidates (request_id, id),
  FOREIGN KEY (rejected_request_id, rejected_candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE preference_labels (
  id INTEGER PRIMARY KEY,
  build INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  is_desirable INTEGER NOT NULL,
  weight REAL NOT NULL,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
CREATE TABLE pair_builds (
  id INTEGER PRIMARY KEY,
  report TEXT NOT NULL,
  built_at TEXT NOT NULL
) STRICT;
CREATE TABLE training_events (
  id INTEGER PRIMARY KEY,
  round INTEGER NOT NULL,
  step TEXT NOT NULL,
  detail TEXT NOT NULL,
  happened_at TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_prompt ON requests (prompt_hash);
CREATE INDEX training_events_by_round ON training_events (round);
"""

M004 = """
CREATE TABLE qualities (
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  security TEXT NOT NULL,
  complexity INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  slowness REAL NOT NULL,
  appraised_at TEXT NOT NULL,
  PRIMARY KEY (request_id, candidate_id),
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id) ON DELETE CASCADE
) STRICT;
"""

M005 = """
ALTER TABLE judgements ADD COLUMN sandbox_tier TEXT;
ALTER TABLE judgements ADD COLUMN python_version TEXT;
"""


M006 = """
ALTER TABLE preference_labels ADD COLUMN text TEXT;
"""

M007 = """
ALTER TABLE requests ADD COLUMN author TEXT;
ALTER TABLE requests ADD COLUMN machine TEXT;
"""

M008 = """
CREATE TABLE pilots (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  control_share REAL NOT NULL,
  is_shadow INTEGER NOT NULL,
  measure TEXT NOT NULL,
  gain_min REAL NOT NULL,
  effect_min REAL,
  starts_at TEXT NOT NULL,
  ends_at TEXT NOT NULL
) STRICT;
CREATE TABLE pilot_stops (
  pilot_id INTEGER PRIMARY KEY REFERENCES pilots (id),
  stopped_at TEXT NOT NULL
) STRICT;
ALTER TABLE requests ADD COLUMN pilot_id INTEGER REFERENCES pilots (id);
ALTER TABLE requests ADD COLUMN arm TEXT;
CREATE INDEX requests_by_pilot ON requests (pilot_id);
"""

M009 = """
ALTER TABLE outcomes ADD COLUMN tier TEXT;
"""

M010 = """
CREATE TABLE pilot_answers (
  id INTEGER PRIMARY KEY,
  pilot_id INTEGER NOT NULL REFERENCES pilots (id),
  week INTEGER NOT NULL,
  question TEXT NOT NULL,
  value INTEGER NOT NULL,
  answered_at TEXT NOT NULL
) STRICT;
"""
