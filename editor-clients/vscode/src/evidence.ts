/** The evidence for an offer in Markdown. Everything that comes from a file is shown as code, never as markup. */
import * as vscode from "vscode";
import type { Explanation, Test } from "./wire";

const MARKS: Record<string, string> = { passed: "✓", failed: "✗", errored: "!", timed_out: "⏱", over_limit: "▲" };
const TIERS: Record<string, string> = {
  verified: "✓ verified",
  consistent: "≈ consistent",
  checked: "· checked",
  unverified: "? unverified",
};
const TESTS_SHOWN_MAX = 12;

/** The tier with its sign, for one line. */
export function tierLabel(tier: string): string {
  return TIERS[tier] ?? tier;
}

export function markdown(explanation: Explanation): vscode.MarkdownString {
  const result = new vscode.MarkdownString();
  if (explanation.kind !== "offer") {
    return result.appendText(`plum: ${explanation.text}`);
  }
  result.appendMarkdown(`**plum · ${tierLabel(explanation.tier ?? "")}**  \n`);
  const { probability } = explanation;
  const likely = typeof probability === "number" ? `; about ${Math.round(probability * 100)}% likely to be right` : "";
  result.appendText((explanation.reason ?? "") + likely).appendMarkdown("\n\n");
  const tests = explanation.tests ?? [];
  for (const test of tests.slice(0, TESTS_SHOWN_MAX)) {
    result.appendMarkdown(`- ${MARKS[test.status] ?? "?"} ${line(test)}\n`);
  }
  if (tests.length > TESTS_SHOWN_MAX) {
    result.appendMarkdown(`- … and ${tests.length - TESTS_SHOWN_MAX} more\n`);
  }
  const policy = explanation.policy;
  if (policy) {
    result.appendMarkdown(`\npolicy ${code(policy.model)}, version ${policy.version}\n`);
  }
  return result;
}

function line(test: Test): string {
  const gave = test.shown ? ` gave ${code(test.shown)}` : "";
  return `${code(test.quote)}${gave} (${test.origin})`;
}

/** One line of inline code, whatever back-quotes it holds (CommonMark 0.31, "Code spans"). */
function code(text: string): string {
  const flat = text.replace(/\s+/g, " ").trim();
  let quotes = "`";
  while (flat.includes(quotes)) {
    quotes += "`";
  }
  return `${quotes} ${flat} ${quotes}`;
}
