/** The connection to the server: what the language client is told, and what it may not do by itself. */
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  type ClientCapabilities,
  type FeatureState,
  LanguageClient,
  type LanguageClientOptions,
  type StaticFeature,
  TransportKind,
} from "vscode-languageclient/node";
import type { Launch } from "./launch";
import type { Offers } from "./offers";
import { serverSettings } from "./settings";
import type { StatusBar } from "./status";
import { DID_CHANGE_OFFER, DID_CHANGE_STATUS, type OfferChange, SAYS, type Status } from "./wire";

/** Documents that are no code of the user's: another version's text, output, a commit message. */
const SCHEMES_LEFT_OUT = new Set(["git", "gitlens", "output", "vscode-scm", "chat-editing-text-model"]);

class SaysOfItself implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), ...SAYS };
  }
  initialize(): void {}
  getState(): FeatureState {
    return { kind: "static" };
  }
  clear(): void {}
}

export interface Parts {
  launch: Launch;
  /** The Python selected for each folder of the workspace, by the folder's address. */
  interpreters: Record<string, string>;
  log: vscode.LogOutputChannel;
  offers: Offers;
  status: StatusBar;
}

/** A client that is ready to start. */
export function makeClient(parts: Parts): LanguageClient {
  const [program = "", ...more] = parts.launch.command;
  const args = [...more, "serve", "--log-level", parts.launch.logLevel];
  const settings = () => ({ plum: serverSettings() });
  const options: LanguageClientOptions = {
    documentSelector: [{ language: "python" }, { language: "python", notebook: "*" }],
    initializationOptions: {
      ...settings(),
      trusted: vscode.workspace.isTrusted,
      interpreters: parts.interpreters,
    },
    outputChannel: parts.log,
    middleware: {
      didOpen: (document, next) => (isServed(document) ? next(document) : Promise.resolve()),
      didChange: (event, next) => (isServed(event.document) ? next(event) : Promise.resolve()),
      didClose: (document, next) => (isServed(document) ? next(document) : Promise.resolve()),
      provideInlineCompletionItems: (document, position, context, token, next) =>
        isServed(document) ? parts.offers.provide(document, position, context, token, next) : [],
      workspace: {
        configuration: (params) => params.items.map(() => settings().plum),
        didChangeConfiguration: () =>
          client.sendNotification("workspace/didChangeConfiguration", { settings: settings() }),
      },
    },
  };
  // Not in the workspace's folder, from which Python and relative entries of PYTHONPATH would import.
  const apart = { cwd: homedir(), env: { ...process.env, PYTHONSAFEPATH: "1" } };
  const server = { command: program, args, transport: TransportKind.stdio, options: apart };
  const client = new LanguageClient("plum", "plum", server, options);
  client.registerFeature(new SaysOfItself());
  client.onNotification(DID_CHANGE_STATUS, (status: Status) => parts.status.take(status));
  client.onNotification(DID_CHANGE_OFFER, (change: OfferChange) => parts.offers.changed(change));
  return client;
}

function isServed(document: vscode.TextDocument): boolean {
  return !SCHEMES_LEFT_OUT.has(document.uri.scheme);
}
