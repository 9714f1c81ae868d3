/** Puts the extension together: starts the server where it may run, and stops it. */
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";
import { makeClient } from "./client";
import { registerCommands } from "./commands";
import { markdown } from "./evidence";
import { Offers } from "./offers";
import { chooseServer, findServer, onInterpreterSelected, selectedInterpreters } from "./server";
import { declaredKeys, userValue } from "./settings";
import { StatusBar } from "./status";
import { DID_SELECT_INTERPRETERS } from "./wire";

class Plum implements vscode.Disposable {
  client: LanguageClient | undefined;
  command: string[] | undefined;
  private logLevel = "info";
  private isServing = false;
  readonly status = new StatusBar();
  readonly log = vscode.window.createOutputChannel("plum", { log: true });
  readonly offers = new Offers(() => (this.isServing ? this.client : undefined), this.status);

  constructor(private readonly extension: vscode.Extension<unknown>) {}

  /** Start the server, unless the workspace is not trusted or there is none. */
  async start(): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      this.status.take({ busy: false, kind: "Inactive", message: "off: the workspace is not trusted" });
      return;
    }
    const found = await findServer();
    if (!found) {
      this.status.take({ busy: false, kind: "Error", message: "plum-lsp was not found" });
      void this.offerToChoose();
      return;
    }
    this.log.info(`server: ${found.command.join(" ")} (from ${found.from})`);
    this.command = found.command;
    this.logLevel = logLevel();
    this.client = makeClient({
      command: found.command,
      interpreters: await selectedInterpreters(),
      keys: declaredKeys(this.extension),
      logLevel: this.logLevel,
      log: this.log,
      offers: this.offers,
      status: this.status,
    });
    const client = this.client;
    client.onDidChangeState(({ newState }) => this.changed(newState, client));
    try {
      await client.start();
    } catch (error) {
      this.status.take({ busy: false, kind: "Error", message: `the server did not start: ${String(error)}` });
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /**
   * The settings of the server changed: start it anew if they mean another. A window on another machine forgets what
   * stands in the wrong settings file as soon as a task runs there; what runs is then kept.
   */
  async reconsider(): Promise<void> {
    const found = await findServer();
    const isSame = found?.command.join("\0") === this.command?.join("\0") && logLevel() === this.logLevel;
    if (this.client === undefined || (found && !isSame)) {
      await this.restart();
    }
  }

  /** The user selected another Python: the server learns of it and goes on. */
  async tellInterpreters(): Promise<void> {
    if (this.isServing) {
      await this.client?.sendNotification(DID_SELECT_INTERPRETERS, { interpreters: await selectedInterpreters() });
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.serves(false);
    await client?.dispose();
  }

  dispose(): void {
    this.offers.dispose();
    this.status.dispose();
    this.log.dispose();
  }

  private serves(isServing: boolean): Thenable<unknown> {
    this.isServing = isServing;
    return vscode.commands.executeCommand("setContext", "plum.running", isServing);
  }

  private changed(state: State, client: LanguageClient): void {
    if (this.client !== client) {
      return;
    }
    if (state === State.Running) {
      void this.serve(client);
      return;
    }
    void this.serves(false);
    if (state === State.Starting) {
      this.status.take({ busy: true, kind: "Normal", message: "starting" });
    } else if (state === State.Stopped) {
      this.status.take({ busy: false, kind: "Error", message: "the server ended" });
    }
  }

  /**
   * The server has answered, but nobody asks it yet: the client registers for that at the end of its start, and the window
   * knows of it by the time it has carried out a command. Whatever was written until then found no one to ask.
   */
  private async serve(client: LanguageClient): Promise<void> {
    const isUp = () => this.client === client && client.state === State.Running;
    await client.start().catch(() => undefined); // whoever started it says why it failed
    if (!isUp()) {
      return;
    }
    await vscode.commands.executeCommand("setContext", "plum.running", true);
    if (isUp()) {
      this.isServing = true;
      await this.offers.catchUp();
    }
  }

  private async offerToChoose(): Promise<void> {
    const choose = "Choose the server…";
    const how = "How to set it up";
    const picked = await vscode.window.showWarningMessage("plum-lsp, the server, was not found.", choose, how);
    if (picked === choose) {
      await chooseServer();
    } else if (picked === how) {
      await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${this.extension.id}#start`);
    }
  }
}

function logLevel(): string {
  return userValue<string>("server.logLevel") ?? "info";
}

let plum: Plum | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const started = new Plum(context.extension);
  plum = started;
  context.subscriptions.push(
    started,
    ...registerCommands(started),
    vscode.languages.registerHoverProvider([{ language: "python" }], {
      async provideHover(document, position) {
        const explanation = await started.offers.explained(document, position.line);
        return explanation ? new vscode.Hover(markdown(explanation)) : undefined;
      },
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => started.start()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("plum.server")) {
        void started.reconsider();
      }
    }),
  );
  await started.start();
  const listening = await onInterpreterSelected(() => started.tellInterpreters());
  if (listening) {
    context.subscriptions.push(listening);
  }
}

export async function deactivate(): Promise<void> {
  await plum?.stop();
}
