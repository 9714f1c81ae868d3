/**
 * The settings that are sent to the server: those of the user and of nobody else.
 *
 * VS Code merges a workspace's settings over the user's. Ours choose programs and addresses, so only what stands in the
 * user's own file counts, whatever scope a key was declared with.
 */
import * as vscode from "vscode";

const SECTION = "plum";
/** Of this client alone; the server does not know them. */
const OWN: Record<string, readonly string[]> = { server: ["command", "logLevel"] };

/** The user's value of a setting; undefined if it was left alone. */
export function userValue<T>(key: string): T | undefined {
  return vscode.workspace.getConfiguration(SECTION).inspect<T>(key)?.globalValue;
}

/**
 * What the user set, nested as the server reads it. Keys that the extension does not declare are sent, too: the server
 * has more settings than its page lists, and says which it does not know.
 */
export function serverSettings(): Record<string, unknown> {
  const given = vscode.workspace.getConfiguration().inspect<Record<string, unknown>>(SECTION)?.globalValue ?? {};
  const result = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
  for (const [table, names] of Object.entries(OWN)) {
    const values = result[table];
    if (values && typeof values === "object") {
      const kept = Object.entries(values).filter(([name]) => !names.includes(name));
      result[table] = Object.fromEntries(kept);
      if (kept.length === 0) {
        delete result[table];
      }
    }
  }
  return result;
}
