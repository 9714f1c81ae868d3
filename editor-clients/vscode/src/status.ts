/** The status bar item: what plum is doing, and on a click why. */
import * as vscode from "vscode";
import { markdown } from "./evidence";
import { modelToFetch, plain } from "./text";
import type { Explanation, Status } from "./wire";

const ICONS: Record<Status["kind"], string> = {
  Normal: "$(check)",
  Warning: "$(warning)",
  Error: "$(error)",
  Inactive: "$(circle-slash)",
};
const MESSAGE_LENGTH_MAX = 40;
/** A request tells several statuses within a few milliseconds; each drawn one costs the window a layout. */
const DRAW_MS = 150;

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("plum.status", vscode.StatusBarAlignment.Right, 90);
  private status: Status = { busy: false, kind: "Inactive", message: "not started" };
  private explanation: Explanation | undefined;
  private due: NodeJS.Timeout | undefined;
  private isFetchOffered = false;

  constructor() {
    this.item.name = "plum";
    this.draw();
    this.item.show();
  }

  take(status: Status): void {
    const isNews = status.kind !== this.status.kind;
    this.status = status;
    if (isNews) {
      this.draw();
    } else {
      this.drawSoon();
    }
    void this.offerToFetch();
  }

  /** The evidence of the offer that is shown; undefined once there is none. */
  takeEvidence(explanation: Explanation | undefined): void {
    if (this.explanation !== explanation) {
      this.explanation = explanation;
      this.drawSoon();
    }
  }

  /** What a click does where the server does not say. */
  get isError(): boolean {
    return this.status.kind === "Error";
  }

  /** The model that is missing, if that is the trouble. */
  private get missingModel(): string | undefined {
    return this.isError ? modelToFetch(this.status.message) : undefined;
  }

  dispose(): void {
    clearTimeout(this.due);
    this.item.dispose();
  }

  /** A model that is missing is one click away. The question comes once in a window. */
  private async offerToFetch(): Promise<void> {
    const model = this.missingModel;
    if (model === undefined || this.isFetchOffered) {
      return;
    }
    this.isFetchOffered = true;
    const fetch = "Fetch the model";
    if ((await vscode.window.showErrorMessage(`plum: ${plain(this.status.message)}`, fetch)) === fetch) {
      await vscode.commands.executeCommand("plum.fetchModel", model);
    }
  }

  private drawSoon(): void {
    this.due ??= setTimeout(() => this.draw(), DRAW_MS);
  }

  private draw(): void {
    clearTimeout(this.due);
    this.due = undefined;
    const { busy, kind, message, result } = this.status;
    const icon = busy ? "$(loading~spin)" : kind === "Normal" && result === "none" ? "$(dash)" : ICONS[kind];
    const model = this.missingModel;
    const short = model ? `fetch ${model}` : shortened(message);
    this.item.text = `${icon} plum: ${short}`;
    this.item.accessibilityInformation = { label: `plum: ${message}` };
    this.item.tooltip = this.explanation ? markdown(this.explanation) : `plum: ${message}`;
    const fallback = this.isError ? "plum.doctor" : "plum.explainOffer";
    this.item.command = model ? { title: "Fetch the model", command: "plum.fetchModel", arguments: [model] } : fallback;
    const colour = kind === "Error" ? "error" : kind === "Warning" ? "warning" : undefined;
    this.item.backgroundColor = colour ? new vscode.ThemeColor(`statusBarItem.${colour}Background`) : undefined;
  }
}

function shortened(message: string): string {
  return message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message;
}
