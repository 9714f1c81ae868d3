/** What the extension declares: no proposed API, no telemetry, nothing that a workspace could set. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

const root = process.cwd();
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const sources = readdirSync(path.join(root, "src")).map((name) => readFileSync(path.join(root, "src", name), "utf8"));
const source = sources.join("\n");

test("no proposed API is asked for, described or used", () => {
  assert.equal(manifest.enabledApiProposals, undefined);
  assert.deepEqual(readdirSync(path.join(root, "src")).filter((name) => name.includes("proposed")), []);
  // The hooks of the proposal inlineCompletionsAdditions; the stable typings that `npm run check` uses lack them, too.
  assert.doesNotMatch(source, /handleDidShowCompletionItem|handleDidPartiallyAccept|handleEndOfLifetime|handleDidReject/);
  const stable = readFileSync(path.join(root, "node_modules", "@types", "vscode", "index.d.ts"), "utf8");
  assert.doesNotMatch(stable, /handleDidShowCompletionItem|handleEndOfLifetime/);
});

test("no telemetry", () => {
  assert.doesNotMatch(source, /telemetry|TelemetryLogger|https?:\/\//i);
  assert.doesNotMatch(JSON.stringify(manifest.dependencies), /telemetry|applicationinsights/i);
});

test("a workspace can set none of the settings", () => {
  const properties = manifest.contributes.configuration.properties as Record<string, { scope: string }>;
  const loose = Object.entries(properties).filter(([, property]) => property.scope !== "machine");
  assert.deepEqual(loose, []);
  assert.match(source, /globalValue/);
  assert.doesNotMatch(source, /getConfiguration\([^)]*\)\s*\.get\b/);
});

test("in a workspace that is not trusted it is limited, and says so", () => {
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, "limited");
  assert.match(source, /workspace\.isTrusted/);
});

test("each setting, command and walkthrough says what it is, and exists", () => {
  for (const property of Object.values(manifest.contributes.configuration.properties) as Record<string, unknown>[]) {
    assert.ok(property["markdownDescription"] && "default" in property);
  }
  for (const { command } of manifest.contributes.commands as { command: string }[]) {
    assert.ok(source.includes(`"${command}"`), command);
  }
  for (const step of manifest.contributes.walkthroughs[0].steps as { media: { markdown: string } }[]) {
    assert.ok(existsSync(path.join(root, step.media.markdown)), step.media.markdown);
  }
});

test("no command has the name of one of the server's, which the language client registers itself", () => {
  const golden = JSON.parse(readFileSync(path.join(root, "..", "protocol", "messages.json"), "utf8"));
  const served = Object.values(golden.executeCommand as Record<string, { command: string }>).map((one) => one.command);
  const own = (manifest.contributes.commands as { command: string }[]).map((one) => one.command);
  assert.deepEqual(own.filter((name) => served.includes(name)), []);
});
