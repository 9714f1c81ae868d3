/**
 * The offers that stand in the active document, and what is told of them.
 *
 * Stable VS Code says neither what it draws nor what becomes of it, so: the answer for the text as it is counts as drawn;
 * the item's command says that it was accepted; our own keys say that a part was taken or that it was sent away. The rest
 * the server infers from the edits.
 */
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { StatusBar } from "./status";
import { cycled, rest } from "./text";
import * as wire from "./wire";

/** Asks the server: what the language client would do without us. */
type Ask = (
  document: vscode.TextDocument,
  position: vscode.Position,
  context: vscode.InlineCompletionContext,
  token: vscode.CancellationToken,
) => vscode.ProviderResult<vscode.InlineCompletionItem[] | vscode.InlineCompletionList>;

/** An offer that goes with the next key needs no evidence in the status bar; a hover asks for it by itself. */
const EVIDENCE_MS = 200;

interface Standing {
  document: vscode.TextDocument;
  items: vscode.InlineCompletionItem[];
  index: number;
  start: vscode.Position;
  version: number;
}

export class Offers implements vscode.Disposable {
  private standing: Standing | undefined;
  /** Where the user wrote while there was no server to ask. */
  private missed: vscode.TextDocument | undefined;
  private readonly told = new Set<string>();
  private readonly evidence = new Map<string, wire.Explanation>();
  /** Offers that turned out wrong. One may still be on its way to the window. */
  private readonly withdrawn = new Set<string>();
  private readonly paused = new Set<string>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly client: () => LanguageClient | undefined,
    private readonly status: StatusBar,
  ) {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => this.edited(event.document)),
      vscode.workspace.onDidCloseTextDocument((document) => this.left(document)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.focused(editor)),
    ];
  }

  /** Middleware of the language client: answers from what stands, drops what is stale. */
  async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Ask,
  ): Promise<vscode.InlineCompletionItem[]> {
    if (this.paused.has(document.uri.toString())) {
      return [];
    }
    const isAsked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const kept = this.kept(document, position);
    if (kept && (!isAsked || !this.isWhole(document, position))) {
      return kept;
    }
    const version = document.version;
    const result = await next(document, position, context, token);
    if (token.isCancellationRequested || document.version !== version) {
      return [];
    }
    const items = (Array.isArray(result) ? result : (result?.items ?? [])).filter((item) => {
      const id = wire.offerId(item);
      return id !== undefined && !this.withdrawn.has(id);
    });
    if (items.length === 0) {
      this.stand(undefined);
      return [];
    }
    const start = items[0]?.range?.start ?? position;
    const index = kept && this.standing ? Math.min(this.standing.index, items.length - 1) : 0;
    this.stand({ document, items, index, start, version });
    return items;
  }

  /** The server is there now; a user who was faster than it is not kept waiting for another key. */
  async catchUp(): Promise<void> {
    const missed = this.missed;
    this.missed = undefined;
    if (missed && vscode.window.activeTextEditor?.document === missed) {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    }
  }

  /** The item that is drawn in a document, as far as can be known; undefined if none is. */
  current(document: vscode.TextDocument): vscode.InlineCompletionItem | undefined {
    return this.standing?.document === document ? this.standing.items[this.standing.index] : undefined;
  }

  /** The server knows more of an offer: tell its new label where it is drawn, or wipe it. */
  async changed(change: wire.OfferChange): Promise<void> {
    const standing = this.standing;
    const item = standing?.items.find((one) => wire.offerId(one) === change.offer);
    if (change.kind === "withdrawn") {
      this.withdrawn.add(change.offer);
      if (item) {
        await this.withdraw(change.again);
      }
      return;
    }
    this.evidence.set(change.offer, change.explanation);
    if (standing && item && standing.items[standing.index] === item) {
      this.status.takeEvidence(change.explanation);
      await this.client()?.sendNotification(wire.DID_SHOW, wire.shown(wireItem(item), change.explanation.tier));
    }
  }

  private async withdraw(again: boolean): Promise<void> {
    this.stand(undefined);
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    if (again) {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    }
  }

  /** The evidence for what stands on this line. */
  async explained(document: vscode.TextDocument, line: number): Promise<wire.Explanation | undefined> {
    const item = this.current(document);
    if (!item || !this.standing || line < this.standing.start.line) {
      return undefined;
    }
    return this.explain(item);
  }

  /** Ask why an item was offered; without one, what came of the last request. */
  async explain(item?: vscode.InlineCompletionItem): Promise<wire.Explanation | undefined> {
    const id = item && wire.offerId(item);
    const known = id ? this.evidence.get(id) : undefined;
    const result = known ?? (await this.run<wire.Explanation>(wire.EXPLAIN, ...(id ? [id] : [])));
    if (id && result) {
      this.evidence.set(id, result);
    }
    return result;
  }

  /** Take a beginning of the offer with VS Code's own command, and tell how much is taken by now. */
  async acceptPart(editorCommand: string): Promise<void> {
    const before = this.standing;
    const item = before?.items[before.index];
    await vscode.commands.executeCommand(editorCommand);
    const editor = vscode.window.activeTextEditor;
    if (!before || !item || !editor || editor.document !== before.document) {
      return;
    }
    const typed = editor.document.getText(new vscode.Range(before.start, editor.selection.active));
    if (rest(String(item.insertText), typed)) {
      await this.client()?.sendNotification(wire.DID_ACCEPT_PART, wire.partlyAccepted(wireItem(item), typed.length));
    }
  }

  /** Draw another offer with VS Code's own command; which one that is follows from the number of offers. */
  async cycle(delta: 1 | -1): Promise<void> {
    await vscode.commands.executeCommand(
      delta > 0 ? "editor.action.inlineSuggest.showNext" : "editor.action.inlineSuggest.showPrevious",
    );
    if (this.standing) {
      this.standing.index = cycled(this.standing.index, delta, this.standing.items.length);
      this.stand(this.standing);
    }
  }

  /** Close the offer, which is no judgement. */
  async dismiss(): Promise<void> {
    await this.close(wire.CLOSE);
  }

  /** Turn the offer down. */
  async reject(reason: string): Promise<void> {
    await this.close(wire.REJECT, reason);
  }

  private async close(command: string, ...more: string[]): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const item = editor && this.current(editor.document);
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    const id = item && wire.offerId(item);
    this.stand(undefined);
    if (id) {
      await this.run(command, id, ...more);
    }
  }

  /** Offer nothing in a document, or offer again. Returns whether it is paused now. */
  togglePause(document: vscode.TextDocument): boolean {
    const uri = document.uri.toString();
    if (!this.paused.delete(uri)) {
      this.paused.add(uri);
    }
    this.left(document);
    return this.paused.has(uri);
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  /** The offers that stand, reaching to the cursor; undefined if they do not fit what was typed. */
  private kept(document: vscode.TextDocument, position: vscode.Position): vscode.InlineCompletionItem[] | undefined {
    const standing = this.standing;
    if (!standing || standing.document !== document || position.isBefore(standing.start)) {
      return undefined;
    }
    const typed = document.getText(new vscode.Range(standing.start, position));
    const fitting = standing.items.filter((item) => rest(String(item.insertText), typed));
    if (!fitting.includes(standing.items[standing.index] as vscode.InlineCompletionItem)) {
      return undefined;
    }
    return fitting.map((item) => {
      const end = item.range && item.range.end.isAfter(position) ? item.range.end : position;
      const kept = new vscode.InlineCompletionItem(
        item.insertText,
        new vscode.Range(standing.start, typed ? position : end),
        item.command,
      );
      kept.filterText = String(item.insertText);
      return kept;
    });
  }

  /** Whether nothing of the offers was typed yet, so that others may be asked for. */
  private isWhole(document: vscode.TextDocument, position: vscode.Position): boolean {
    return this.standing?.document === document && this.standing.start.isEqual(position);
  }

  private edited(document: vscode.TextDocument): void {
    const editor = vscode.window.activeTextEditor;
    if (document.languageId === "python" && !this.client()) {
      this.missed = document;
    }
    if (this.standing?.document !== document || editor?.document !== document) {
      return;
    }
    // The selection follows the edit a moment later.
    setImmediate(() => {
      if (this.standing?.document === document && !this.kept(document, editor.selection.active)) {
        this.stand(undefined);
      }
    });
  }

  private left(document: vscode.TextDocument): void {
    if (this.standing?.document === document) {
      this.stand(undefined);
    }
  }

  private focused(editor: vscode.TextEditor | undefined): void {
    if (editor && this.standing && editor.document !== this.standing.document) {
      this.stand(undefined);
    }
  }

  private stand(standing: Standing | undefined): void {
    // Most keys find nothing and leave nothing: they are no reason to talk to the window.
    if ((this.standing !== undefined) !== (standing !== undefined)) {
      void vscode.commands.executeCommand("setContext", "plum.offers", standing !== undefined);
    }
    this.standing = standing;
    const item = standing?.items[standing.index];
    if (!item) {
      this.status.takeEvidence(undefined);
      return;
    }
    void this.drawn(item);
  }

  /** Tell that an item is drawn, once, and fetch its evidence. */
  private async drawn(item: vscode.InlineCompletionItem): Promise<void> {
    const id = wire.offerId(item) as string;
    if (!this.told.has(id)) {
      this.told.add(id);
      await this.client()?.sendNotification(wire.DID_SHOW, wire.shown(wireItem(item)));
    }
    await new Promise((resolve) => setTimeout(resolve, EVIDENCE_MS));
    if (this.standing?.items[this.standing.index] !== item) {
      return;
    }
    const explanation = await this.explain(item);
    if (this.standing?.items[this.standing.index] === item && explanation) {
      this.status.takeEvidence(explanation);
    }
  }

  private async run<T>(name: string, ...args: string[]): Promise<T | undefined> {
    const client = this.client();
    return client?.sendRequest<T>("workspace/executeCommand", wire.command(name, ...args));
  }
}

function wireItem(item: vscode.InlineCompletionItem): wire.Item {
  const result: wire.Item = { insertText: String(item.insertText) };
  if (item.command) {
    const { title, command, arguments: args } = item.command;
    result.command = { title, command, ...(args ? { arguments: args } : {}) };
  }
  return result;
}
