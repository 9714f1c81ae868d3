/** Puts the extension together: starts the server where it may run, and stops it. */
import * as vscode from "vscode";
import { type LanguageClient, State } from "vscode-languageclient/node";
import { makeClient } from "./client";
import { registerCommands } from "./commands";
import { markdown } from "./evidence";
import { isSame, type Launch } from "./launch";
import { Offers } from "./offers";
import { chooseServer, findLaunch, onInterpreterSelected, selectedInterpreters } from "./server";
import { StatusBar } from "./status";
import { DID_SELECT_INTERPRETERS } from "./wire";

/** A server that has not answered by then is not waited for when another is to be started. */
const START_MS_MAX = 10_000;

class Plum implements vscode.Disposable {
  client: LanguageClient | undefined;
  private launch: Launch | undefined;
  /** Counts starts and stops: one that waits ends once another has begun after it. */
  private turn = 0;
  private isServing = false;
  readonly status = new StatusBar();
  readonly log = vscode.window.createOutputChannel("plum", { log: true });
  readonly offers = new Offers(() => (this.isServing ? this.client : undefined), this.status);

  constructor(private readonly extension: vscode.Extension<unknown>) {}

  get command(): string[] | undefined {
    return this.launch?.command;
  }

  /** Start the server, in the place of one that runs, unless the workspace is not trusted or there is none. */
  async start(): Promise<void> {
    const turn = this.turn + 1;
    await this.stop();
    if (turn !== this.turn) {
      return;
    }
    if (!vscode.workspace.isTrusted) {
      this.status.take({ busy: false, kind: "Inactive", message: "off: the workspace is not trusted" });
      return;
    }
    const launch = await findLaunch(this.launch);
    if (turn !== this.turn) {
      return;
    }
    this.launch = launch;
    if (!launch) {
      this.status.take({ busy: false, kind: "Error", message: "plum-lsp was not found" });
      void this.offerToChoose();
      return;
    }
    await this.run(launch);
  }

  /** The settings of the server changed: start it anew if they mean another. What runs is not stopped if there is none. */
  async reconsider(): Promise<void> {
    const launch = await findLaunch(this.launch);
    if (this.client === undefined || (launch && !isSame(launch, this.launch))) {
      await this.start();
    }
  }

  /** The user selected another Python: the server learns of it and goes on. */
  async tellInterpreters(): Promise<void> {
    if (this.isServing) {
      await this.client?.sendNotification(DID_SELECT_INTERPRETERS, { interpreters: await selectedInterpreters() });
    }
  }

  async stop(): Promise<void> {
    this.turn += 1;
    const client = this.client;
    this.client = undefined;
    this.serves(false);
    if (client) {
      await this.end(client);
    }
  }

  private async run(launch: Launch): Promise<void> {
    this.log.info(`server: ${launch.command.join(" ")} (from ${launch.from})`);
    const client = makeClient({
      launch,
      interpreters: await selectedInterpreters(),
      log: this.log,
      offers: this.offers,
      status: this.status,
    });
    this.client = client;
    client.onDidChangeState(({ newState }) => this.changed(newState, client));
    try {
      await client.start();
    } catch (error) {
      if (this.client === client) {
        this.status.take({ busy: false, kind: "Error", message: `the server did not start: ${String(error)}` });
      }
    }
  }

  /**
   * End a client and its server. While it starts, a client refuses to be stopped, so its start is awaited, but not for
   * ever; after a start that failed there is nothing to stop. A server that is slow to end is killed by its client.
   * None of this prevents a new start.
   */
  private async end(client: LanguageClient): Promise<void> {
    if (client.state === State.Starting) {
      const ended = client.start().then(
        () => this.end(client),
        () => undefined,
      );
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, START_MS_MAX))]);
    } else if (client.state === State.Running) {
      await client.dispose().catch((error: unknown) => this.log.warn(`the server was slow to end: ${String(error)}`));
    }
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
