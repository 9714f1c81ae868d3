/** The commands of the palette. Those of the server (plum.accept, …) are registered by the language client. */
import * as vscode from "vscode";
import type { Offers } from "./offers";
import { chooseServer, runVisibly } from "./server";
import { userValue } from "./settings";
import { plain } from "./text";

export interface Owner {
  readonly offers: Offers;
  readonly log: vscode.LogOutputChannel;
  readonly command: string[] | undefined;
  start(): Promise<void>;
}

const REASONS = ["wrong", "not what I meant", "too long", "style", "other…"];

export function registerCommands(owner: Owner): vscode.Disposable[] {
  const { offers } = owner;
  const run = (command: string) => () => vscode.commands.executeCommand(command);
  const table: Record<string, () => unknown> = {
    "plum.trigger": run("editor.action.inlineSuggest.trigger"),
    "plum.acceptOffer": run("editor.action.inlineSuggest.commit"),
    "plum.acceptWord": () => offers.acceptPart("editor.action.inlineSuggest.acceptNextWord"),
    "plum.acceptLine": () => offers.acceptPart("editor.action.inlineSuggest.acceptNextLine"),
    "plum.next": () => offers.cycle(1),
    "plum.previous": () => offers.cycle(-1),
    "plum.dismiss": () => offers.dismiss(),
    "plum.rejectWithReason": () => rejectWithReason(offers),
    "plum.explainOffer": () => explain(owner),
    "plum.pauseHere": () => pauseHere(offers),
    "plum.pauseEverywhere": pauseEverywhere,
    "plum.showReport": () => serverCommand(owner, "explain"),
    "plum.doctor": () => serverCommand(owner, "doctor"),
    "plum.fetchModel": (model?: unknown) => fetchModel(owner, model),
    "plum.openLog": () => owner.log.show(),
    "plum.restart": () => owner.start(),
    "plum.chooseServer": chooseServer,
  };
  return Object.entries(table).map(([name, action]) => vscode.commands.registerCommand(name, action));
}

async function rejectWithReason(offers: Offers): Promise<void> {
  const picked = await vscode.window.showQuickPick(REASONS, { title: "plum: why not?" });
  const reason = picked === REASONS.at(-1) ? await vscode.window.showInputBox({ title: "plum: why not?" }) : picked;
  if (reason) {
    await offers.reject(reason);
  }
}

/** The evidence where an offer stands, as a hover so that the offer stays; else the reason for none, as a message. */
async function explain(owner: Owner): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor && owner.offers.current(editor.document)) {
    await vscode.commands.executeCommand("editor.action.showHover");
    return;
  }
  const explanation = await owner.offers.explain();
  const text = explanation ? plain(explanation.text) : "The server does not answer.";
  const picked = await vscode.window.showInformationMessage(`plum: ${text}`, "Doctor", "Log");
  if (picked) {
    await vscode.commands.executeCommand(picked === "Doctor" ? "plum.doctor" : "plum.openLog");
  }
}

function pauseHere(offers: Offers): void {
  const editor = vscode.window.activeTextEditor;
  if (editor) {
    const isPaused = offers.togglePause(editor.document);
    vscode.window.setStatusBarMessage(isPaused ? "plum: paused in this file" : "plum: offers again in this file", 4000);
  }
}

async function pauseEverywhere(): Promise<void> {
  const isPaused = userValue<boolean>("privacy.paused") ?? false;
  const settings = vscode.workspace.getConfiguration("plum");
  await settings.update("privacy.paused", !isPaused, vscode.ConfigurationTarget.Global);
}

/** Fetch a model, by default that of the settings. The server starts anew with it. */
async function fetchModel(owner: Owner, model: unknown): Promise<void> {
  const name = typeof model === "string" && model ? model : userValue<string>("policy.model");
  if (await serverCommand(owner, "model", "fetch", ...(name ? [name] : []))) {
    await owner.start();
  }
}

/** Run a command of the server's program where the user sees it; whether it ended with 0. */
async function serverCommand(owner: Owner, ...args: string[]): Promise<boolean> {
  const [program, ...more] = owner.command ?? [];
  if (!program) {
    await chooseServer();
    return false;
  }
  return runVisibly(`plum: ${args.join(" ")}`, program, [...more, ...args]);
}

