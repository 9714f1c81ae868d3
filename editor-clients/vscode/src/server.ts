/** Finds the server. A workspace has no say: neither its settings nor a program that lies in it is taken. */
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { commandIn, type Found, kept, type Launch, SETTING } from "./launch";
import { userValue } from "./settings";

const PROGRAM = process.platform === "win32" ? "plum-lsp.exe" : "plum-lsp";

/** How the server is to be started now, after it was started like `before`; undefined if there is none. */
export async function findLaunch(before: Launch | undefined): Promise<Launch | undefined> {
  const isRemote = vscode.env.remoteName !== undefined;
  return kept(before, { found: await findServer(), logLevel: userValue<string>("server.logLevel"), isRemote });
}

/** The server's command: the user's setting, what was installed, the PATH, the selected Python environment, or none. */
async function findServer(): Promise<Found | undefined> {
  const set = userValue<string[]>("server.command");
  if (set && set.length > 0) {
    return { command: set, from: SETTING };
  }
  const installed = await installedCommand();
  if (installed && (await isOurs(installed[0]))) {
    return { command: installed, from: "plum-lsp editor install" };
  }
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    if (path.isAbsolute(folder) && (await isOurs(path.join(folder, PROGRAM)))) {
      return { command: [path.join(folder, PROGRAM)], from: "PATH" };
    }
  }
  const interpreter = await selectedInterpreter();
  const beside = interpreter && path.join(path.dirname(interpreter), PROGRAM);
  return beside && (await isOurs(beside)) ? { command: [beside], from: "the selected Python environment" } : undefined;
}

/** The command that `plum-lsp editor install` left for this user; undefined if there is none. */
async function installedCommand(): Promise<[string, ...string[]] | undefined> {
  const data = process.env["XDG_DATA_HOME"] || path.join(os.homedir(), ".local", "share");
  try {
    return commandIn(await readFile(path.join(data, "plum-lsp", "editor-command.json"), "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether a file can be run and lies in no folder of the workspace. */
async function isOurs(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
  } catch {
    return false;
  }
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file)) === undefined;
}

/** The part of the Python extension's interface that is used here. */
interface Environments {
  getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
  onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
}

/** The environments of the Python extension, if that extension is there. */
async function environments(): Promise<Environments | undefined> {
  const extension = vscode.extensions.getExtension("ms-python.python");
  const api = (await extension?.activate()) as { environments?: Environments } | undefined;
  return api?.environments;
}

/** The interpreter that the Python extension has selected; for a folder, the folder's own. */
async function selectedInterpreter(folder?: vscode.Uri): Promise<string | undefined> {
  const found = (await environments())?.getActiveEnvironmentPath(folder).path;
  return found && path.isAbsolute(found) ? found : undefined;
}

/** The selected interpreter of each folder of the workspace, by the folder's address. */
export async function selectedInterpreters(): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
    const found = await selectedInterpreter(uri);
    if (found) {
      result[uri.toString()] = found;
    }
  }
  return result;
}

/** Call `action` whenever the user selects another interpreter. */
export async function onInterpreterSelected(action: () => unknown): Promise<vscode.Disposable | undefined> {
  return (await environments())?.onDidChangeActiveEnvironmentPath?.(action);
}

/** Let the user show where the server is, or the clone that it is to be set up in. */
export async function chooseServer(): Promise<void> {
  const program = "Choose plum-lsp";
  const clone = "Set it up in a clone";
  const picked = await vscode.window.showQuickPick(
    [
      { label: program, detail: "The program `plum-lsp`, usually .venv/bin/plum-lsp in a clone." },
      { label: clone, detail: "A folder you cloned plum-lsp into: runs `make setup` there in a terminal you can watch." },
    ],
    { title: "plum: where is the server?" },
  );
  if (!picked) {
    return;
  }
  const isClone = picked.label === clone;
  const [chosen] =
    (await vscode.window.showOpenDialog({ canSelectFiles: !isClone, canSelectFolders: isClone, title: picked.label })) ?? [];
  if (!chosen) {
    return;
  }
  const command = isClone ? path.join(chosen.fsPath, ".venv", "bin", PROGRAM) : chosen.fsPath;
  if (isClone && !(await runVisibly("plum: set up", "make", ["-C", chosen.fsPath, "setup"]))) {
    return;
  }
  await vscode.workspace
    .getConfiguration("plum")
    .update("server.command", [command], vscode.ConfigurationTarget.Global);
}

/** Run a program where the user sees it; whether it ended with 0. */
export async function runVisibly(name: string, program: string, args: string[]): Promise<boolean> {
  const execution = new vscode.ProcessExecution(program, args);
  const task = new vscode.Task({ type: "plum", task: name }, vscode.TaskScope.Workspace, name, "plum", execution);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated };
  const started = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const ended = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution === started) {
        ended.dispose();
        resolve(event.exitCode === 0);
      }
    });
  });
}
