BEGIN TRANSACTION;
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
INSERT INTO "candidates" VALUES('r1','c0',0,1,'abababababababababababababababababababababababababababababababab','1922d8bd18f3d31ec26d8cc8ab07aae8c2ce79024971d5b3b37e353889287851',0.2,0.95,64,7,'return a - b


','return a - b
','return a - b
','','cut','[-0.25, -0.5]',-0.375,NULL,10.0,20.0,'2026-11-23T22:00:06.001+00:00');
INSERT INTO "candidates" VALUES('r1','c1',1,1,'abababababababababababababababababababababababababababababababab','1922d8bd18f3d31ec26d8cc8ab07aae8c2ce79024971d5b3b37e353889287851',1.0,0.95,64,8,'return a + b


','return a + b
','return a + b
','','cut','[-0.25, -0.5]',-0.375,NULL,10.0,20.0,'2026-11-23T22:00:06.001+00:00');
CREATE TABLE endings (
  request_id TEXT PRIMARY KEY,
  offer_id TEXT REFERENCES offers (id),
  reason TEXT,
  detail TEXT NOT NULL,
  stages_ms TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  CHECK ((offer_id IS NULL) <> (reason IS NULL))
) STRICT;
INSERT INTO "endings" VALUES('r1','r1-offer',NULL,'','{"context": 1.5, "ended": 30.0}','2026-11-23T22:00:06.001+00:00');
INSERT INTO "endings" VALUES('r2',NULL,'all_failed','Nothing fits.','{"ended": 3.0}','2026-11-23T22:00:06.001+00:00');
INSERT INTO "endings" VALUES('r3',NULL,'all_failed','Nothing fits.','{"ended": 3.0}','2026-11-23T22:00:06.001+00:00');
CREATE TABLE judgements (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  reason TEXT NOT NULL,
  judged_at TEXT NOT NULL, probability REAL, strength REAL, sandbox_tier TEXT, python_version TEXT,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
) STRICT;
INSERT INTO "judgements" VALUES(1,'r1','c0','unverified',0.0,'passes 1 of 2 tests','2026-11-23T22:00:06.001+00:00',NULL,NULL,NULL,NULL);
INSERT INTO "judgements" VALUES(2,'r1','c1','verified',1.0,'passes 2 of 2 tests','2026-11-23T22:00:06.001+00:00',0.93,0.75,'namespaces','3.12.1');
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
INSERT INTO "offers" VALUES('r1-offer','r1','c1',15,15,'verified',1.0,'passes 2 of 2 tests','[]','2026-11-23T22:00:06.001+00:00');
CREATE TABLE outcomes (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  accepted_length INTEGER,
  visible_ms REAL,
  happened_at TEXT NOT NULL
, tier TEXT) STRICT;
INSERT INTO "outcomes" VALUES(1,'r1-offer','accepted','command',NULL,900.0,'2023-11-14T22:13:20.000+00:00','verified');
CREATE TABLE pair_builds (
  id INTEGER PRIMARY KEY,
  report TEXT NOT NULL,
  built_at TEXT NOT NULL
) STRICT;
CREATE TABLE pilot_answers (
  id INTEGER PRIMARY KEY,
  pilot_id INTEGER NOT NULL REFERENCES pilots (id),
  week INTEGER NOT NULL,
  question TEXT NOT NULL,
  value INTEGER NOT NULL,
  answered_at TEXT NOT NULL
) STRICT;
INSERT INTO "pilot_answers" VALUES(1,1,1,'trust',4,'2026-11-26T08:00:00.000+00:00');
CREATE TABLE pilot_stops (
  pilot_id INTEGER PRIMARY KEY REFERENCES pilots (id),
  stopped_at TEXT NOT NULL
) STRICT;
INSERT INTO "pilot_stops" VALUES(1,'2026-11-24T08:00:00.000+00:00');
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
INSERT INTO "pilots" VALUES(1,'first','0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f',0.3,0,'kept',0.1,0.14,'2026-11-23T08:00:00.000+00:00','2026-12-07T08:00:00.000+00:00');
CREATE TABLE policy_versions (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  adapter_sha256 TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  UNIQUE (number, model, model_sha256, adapter_sha256)
) STRICT;
INSERT INTO "policy_versions" VALUES(1,1,'tiny','abababababababababababababababababababababababababababababababab','','2026-11-23T22:00:06.001+00:00');
CREATE TABLE preference_labels (
  id INTEGER PRIMARY KEY,
  build INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  prompt_hash TEXT NOT NULL REFERENCES prompts (hash),
  policy_version_id INTEGER NOT NULL REFERENCES policy_versions (id),
  request_id TEXT NOT NULL,
  candidate_id TEXT NOT NULL,
  is_desirable INTEGER NOT NULL,
  weight REAL NOT NULL, text TEXT,
  FOREIGN KEY (request_id, candidate_id) REFERENCES candidates (request_id, id)
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
CREATE TABLE programs (
  prompt_hash TEXT PRIMARY KEY REFERENCES prompts (hash),
  before TEXT NOT NULL,
  after TEXT NOT NULL
) STRICT;
CREATE TABLE prompts (
  hash TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT;
INSERT INTO "prompts" VALUES('1922d8bd18f3d31ec26d8cc8ab07aae8c2ce79024971d5b3b37e353889287851','<|fim_prefix|>def add(a, b):
<|fim_suffix|><|fim_middle|>');
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
INSERT INTO "qualities" VALUES('r1','c1','["S307 Use of possibly insecure function"]',2,1,1.5,'2026-11-23T22:00:07.001+00:00');
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
, author TEXT, machine TEXT, pilot_id INTEGER REFERENCES pilots (id), arm TEXT) STRICT;
INSERT INTO "requests" VALUES('r1','1922d8bd18f3d31ec26d8cc8ab07aae8c2ce79024971d5b3b37e353889287851','file:///p/a.py',3,15,'invoked','body',15,15,NULL,0,'    ','["<|endoftext|>"]','[0.2, 1.0]',0.95,64,7,'2026-11-23T22:00:06.001+00:00','00112233445566aa','8899aabbccddeeff',1,'tested');
INSERT INTO "requests" VALUES('r2','1922d8bd18f3d31ec26d8cc8ab07aae8c2ce79024971d5b3b37e353889287851','file:///p/a.py',3,15,'invoked','body',15,15,NULL,0,'    ','["<|endoftext|>"]','[0.2, 1.0]',0.95,64,7,'2026-11-23T22:00:06.001+00:00',NULL,NULL,1,'tested');
CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT
;
INSERT INTO "schema_migrations" VALUES('m001_facts','2026-11-23T22:00:06.000+00:00');
INSERT INTO "schema_migrations" VALUES('m002_evidence_weight','2026-11-24T16:39:57.482+00:00');
INSERT INTO "schema_migrations" VALUES('m003_learning','2026-11-24T17:12:08.533+00:00');
INSERT INTO "schema_migrations" VALUES('m004_quality','2026-11-24T18:00:00.000+00:00');
INSERT INTO "schema_migrations" VALUES('m005_isolation','2026-11-28T09:58:58.465+00:00');
INSERT INTO "schema_migrations" VALUES('m006_corrections','2026-01-01T00:00:00.000+00:00');
INSERT INTO "schema_migrations" VALUES('m007_author','2026-01-01T00:00:00.000+00:00');
INSERT INTO "schema_migrations" VALUES('m008_pilots','2026-01-01T00:00:00.000+00:00');
INSERT INTO "schema_migrations" VALUES('m009_label_on_the_screen','2026-01-01T00:00:00.000+00:00');
INSERT INTO "schema_migrations" VALUES('m010_pilot_answers','2026-11-29T00:00:00.000+00:00');
CREATE TABLE survivals (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id),
  after_ms INTEGER NOT NULL,
  share REAL NOT NULL,
  text TEXT NOT NULL,
  measured_at TEXT NOT NULL,
  UNIQUE (offer_id, after_ms)
) STRICT;
INSERT INTO "survivals" VALUES(1,'r1-offer',30000,0.5,'return b + a','2026-11-23T22:00:36.001+00:00');
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
INSERT INTO "test_cases" VALUES('r1','t0',0,'doctest','','add(0, 1)','equals','{"expected": "1", "tolerance": null}','>>> add(0, 1)');
INSERT INTO "test_cases" VALUES('r1','t1',1,'doctest','','add(1, 1)','equals','{"expected": "2", "tolerance": null}','>>> add(1, 1)');
CREATE TABLE training_events (
  id INTEGER PRIMARY KEY,
  round INTEGER NOT NULL,
  step TEXT NOT NULL,
  detail TEXT NOT NULL,
  happened_at TEXT NOT NULL
) STRICT;
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
INSERT INTO "verdicts" VALUES('r1','c0','t0','failed','-1',0.5,'namespaces','["bwrap", "seccomp"]','3.12.1','2026-11-23T22:00:06.001+00:00');
INSERT INTO "verdicts" VALUES('r1','c0','t1','passed','2',0.5,'namespaces','["bwrap", "seccomp"]','3.12.1','2026-11-23T22:00:06.001+00:00');
INSERT INTO "verdicts" VALUES('r1','c1','t0','passed','1',0.5,'namespaces','["bwrap", "seccomp"]','3.12.1','2026-11-23T22:00:06.001+00:00');
INSERT INTO "verdicts" VALUES('r1','c1','t1','passed','2',0.5,'namespaces','["bwrap", "seccomp"]','3.12.1','2026-11-23T22:00:06.001+00:00');
CREATE INDEX judgements_by_candidate ON judgements (request_id, candidate_id);
CREATE INDEX outcomes_by_offer ON outcomes (offer_id);
CREATE INDEX requests_by_prompt ON requests (prompt_hash);
CREATE INDEX training_events_by_round ON training_events (round);
CREATE INDEX requests_by_pilot ON requests (pilot_id);
COMMIT;
