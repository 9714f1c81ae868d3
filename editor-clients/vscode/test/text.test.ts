/** What is read of texts without VS Code. */
import assert from "node:assert/strict";
import test from "node:test";
import { modelToFetch } from "../src/text";

test("a message that says to fetch a model names it, however the program is called", () => {
  const missing = "the model qwen2.5-coder-0.5b-instruct is not on this machine.";
  for (const program of ["plum-lsp", "/home/you/.venv/bin/plum-lsp", "python -m plum_lsp"]) {
    assert.equal(modelToFetch(`${missing} Run: ${program} model fetch qwen2.5-coder-0.5b-instruct`), "qwen2.5-coder-0.5b-instruct");
  }
  assert.equal(modelToFetch("Without offline: plum-lsp model fetch granite-4.0-350m. Or copy it."), "granite-4.0-350m");
});

test("other messages name none, and no option is taken for a name", () => {
  for (const message of ["ready", "the model is slow", "Run: plum-lsp model fetch --offline", "model fetch "]) {
    assert.equal(modelToFetch(message), undefined, message);
  }
});
