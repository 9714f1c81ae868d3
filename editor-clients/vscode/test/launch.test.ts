/** How the server is started, after settings changed or were forgotten. */
import assert from "node:assert/strict";
import test from "node:test";
import { commandIn, isSame, kept, type Launch, SETTING } from "../src/launch";

const SET = { command: ["/home/you/plum-lsp"], from: SETTING };
const OTHER = { command: ["/home/you/another"], from: SETTING };
const ON_PATH = { command: ["/usr/bin/plum-lsp"], from: "PATH" };
const RUNNING: Launch = { ...SET, logLevel: "debug" };

test("what is found is started, with the usual log level", () => {
  const now = { found: ON_PATH, logLevel: undefined, isRemote: true };
  assert.deepEqual(kept(undefined, now), { ...ON_PATH, logLevel: "info" });
});

test("without a server nothing is started", () => {
  assert.equal(kept(undefined, { found: undefined, logLevel: "debug", isRemote: true }), undefined);
});

test("a remote window that forgets the setting keeps the command and the log level", () => {
  for (const found of [undefined, ON_PATH]) {
    assert.deepEqual(kept(RUNNING, { found, logLevel: undefined, isRemote: true }), RUNNING);
  }
});

test("a setting that names another server is obeyed in a remote window", () => {
  const now = { found: OTHER, logLevel: undefined, isRemote: true };
  assert.deepEqual(kept(RUNNING, now), { ...OTHER, logLevel: "info" });
});

test("a log level that is set while the command is forgotten is obeyed", () => {
  const now = { found: undefined, logLevel: "error", isRemote: true };
  assert.deepEqual(kept(RUNNING, now), { ...SET, logLevel: "error" });
});

test("in a local window a setting that is gone was removed by the user", () => {
  assert.deepEqual(kept(RUNNING, { found: ON_PATH, logLevel: undefined, isRemote: false })?.command, ON_PATH.command);
  assert.equal(kept(RUNNING, { found: undefined, logLevel: undefined, isRemote: false }), undefined);
});

test("a server from the PATH that is gone is not started", () => {
  const before = { ...ON_PATH, logLevel: "info" };
  assert.equal(kept(before, { found: undefined, logLevel: undefined, isRemote: true }), undefined);
});

test("two launches are the same if command and log level are", () => {
  assert.ok(isSame(RUNNING, { ...RUNNING, from: "PATH" }));
  assert.ok(!isSame(RUNNING, { ...RUNNING, logLevel: "info" }));
  assert.ok(!isSame(RUNNING, { ...RUNNING, command: ["/home/you/plum-lsp", "more"] }));
  assert.ok(!isSame(RUNNING, undefined));
});

test("a command that was left for the editor is taken if it is one", () => {
  assert.deepEqual(commandIn('["/home/you/plum/bin/plum-lsp"]\n'), ["/home/you/plum/bin/plum-lsp"]);
  assert.deepEqual(commandIn('["/usr/bin/python3", "-m", "plum_lsp"]'), ["/usr/bin/python3", "-m", "plum_lsp"]);
  for (const text of ["", "[]", "{}", "null", '["plum-lsp"]', '["/usr/bin/x", 1]', '"/usr/bin/x"', '["/usr/bin/x"']) {
    assert.equal(commandIn(text), undefined, text);
  }
});
