/**
 * The settings that are sent to the server: those of the user and of nobody else.
 *
 * VS Code merges a workspace's settings over the user's. Ours choose programs and addresses, so only what stands in the
 * user's own file counts, whatever scope a key was declared with.
 */
import * as vscode from "vscode";

const SECTION = "plum";
/** Of this client alone; the server does not know them. */
const OWN = new Set(["server.command", "server.logLevel"]);

/** The user's value of a setting; undefined if it was left alone. */
export function userValue<T>(key: string): T | undefined {
  return vscode.workspace.getConfiguration(SECTION).inspect<T>(key)?.globalValue;
}

/** What the user set, nested as the server reads it. */
export function serverSettings(keys: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of keys.filter((name) => !OWN.has(name))) {
    const value = userValue<unknown>(key);
    if (value === undefined) {
      continue;
    }
    const parts = key.split(".");
    const last = parts.pop() as string;
    let table = result;
    for (const part of parts) {
      table = (table[part] ??= {}) as Record<string, unknown>;
    }
    table[last] = value;
  }
  return result;
}

/** The keys that the extension declares, without the leading `plum.`. */
export function declaredKeys(extension: vscode.Extension<unknown>): string[] {
  const properties = (extension.packageJSON as { contributes: { configuration: { properties: object } } }).contributes
    .configuration.properties;
  return Object.keys(properties).map((key) => key.slice(SECTION.length + 1));
}
