/** The messages this client writes and reads are the golden ones. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { cycled, rest } from "../src/text";
import * as wire from "../src/wire";

const root = path.join(process.cwd(), "..");
const golden = JSON.parse(readFileSync(path.join(root, "protocol", "messages.json"), "utf8"));
const item = golden.inlineCompletionList.items[0] as wire.Item;

test("it says of itself what the server knows", () => {
  assert.deepEqual(wire.SAYS, golden.capabilities.experimental);
});

test("it finds the offer in an item", () => {
  assert.equal(wire.offerId(item), golden.executeCommand.accept.arguments[0]);
  assert.equal(wire.offerId({ command: { title: "", command: "other" } }), undefined);
});

test("it reports what is drawn and what was taken", () => {
  assert.deepEqual(wire.shown(item), golden.didShowCompletion);
  assert.deepEqual(wire.shown(item, "verified"), golden.didShowLabel);
  const taken = golden.partlyAcceptedText.replaceAll("\n", "\r\n") as string;
  assert.deepEqual(wire.partlyAccepted(item, taken.length), golden.didPartiallyAcceptCompletion);
  assert.equal(rest(item.insertText, taken), "return sign");
});

test("it runs the server's commands", () => {
  const id = wire.offerId(item) as string;
  assert.deepEqual(wire.command(wire.ACCEPT, id), golden.executeCommand.accept);
  assert.deepEqual(wire.command(wire.CLOSE, id), golden.executeCommand.close);
  assert.deepEqual(wire.command(wire.REJECT, id, "too long"), golden.executeCommand.reject);
  assert.deepEqual(wire.command(wire.EXPLAIN, id), golden.executeCommand.explain);
});

test("it reads explanations and statuses", () => {
  const { offer, abstention, nothing } = golden.explanation as Record<string, wire.Explanation>;
  assert.deepEqual([offer?.kind, abstention?.kind, nothing?.kind], ["offer", "abstention", "nothing"]);
  assert.equal(offer?.tests?.[0]?.status, "passed");
  assert.equal(typeof offer?.policy?.version, "number");
  for (const status of golden.didChangeStatus as wire.Status[]) {
    assert.ok(["Normal", "Warning", "Error", "Inactive"].includes(status.kind));
  }
});

test("it reads what becomes of offers", () => {
  const [label, withdrawn] = golden.didChangeOffer as wire.OfferChange[];
  assert.deepEqual([label?.kind, withdrawn?.kind, withdrawn?.again], ["label", "withdrawn", true]);
  assert.equal(label?.offer, wire.offerId(item));
  assert.equal(label?.explanation.tier, "verified");
});

test("it goes round the alternatives", () => {
  assert.deepEqual([cycled(0, 1, 2), cycled(1, 1, 2), cycled(0, -1, 3), cycled(0, 1, 0)], [1, 0, 2, 0]);
});
