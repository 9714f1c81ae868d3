/** Decides how the server is started. Knows nothing of VS Code, so that it can be tested without it. */
import * as path from "node:path";

/** The setting that names the server. */
export const SETTING = "plum.server.command";

export interface Found {
  command: string[];
  /** Where it was found, in words for the log. */
  from: string;
}

export interface Launch extends Found {
  logLevel: string;
}

export interface Now {
  found: Found | undefined;
  logLevel: string | undefined;
  isRemote: boolean;
}

/** The command in a file that `plum-lsp editor install` wrote; undefined if it is none. Its program is an absolute path. */
export function commandIn(text: string): [string, ...string[]] | undefined {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string")) {
    return undefined;
  }
  const [program, ...rest] = words as string[];
  return program !== undefined && path.isAbsolute(program) ? [program, ...rest] : undefined;
}

/**
 * What to start, given what the settings say now and what was started before.
 *
 * VS Code reads settings of the scope `machine` from the remote settings of a remote window. At first it also takes them
 * from the local user settings, and drops those later without a notice, for instance when a task runs. A command that
 * was set and is gone is therefore kept in such a window, until the setting names another or the window is reloaded.
 */
export function kept(before: Launch | undefined, now: Now): Launch | undefined {
  if (now.isRemote && before?.from === SETTING && now.found?.from !== SETTING) {
    return { ...before, logLevel: now.logLevel ?? before.logLevel };
  }
  return now.found && { ...now.found, logLevel: now.logLevel ?? "info" };
}

export function isSame(one: Launch | undefined, other: Launch | undefined): boolean {
  return JSON.stringify([one?.command, one?.logLevel]) === JSON.stringify([other?.command, other?.logLevel]);
}
