/** The evidence for an offer in Markdown, as the server says it: what comes from a file is code in it, never markup. */
import * as vscode from "vscode";
import type { Explanation } from "./wire";

export function markdown(explanation: Explanation): vscode.MarkdownString {
  return new vscode.MarkdownString(explanation.markdown);
}
