/** The messages between client and server, as docs/protocol.md has them. Compared with the golden messages by a test. */

export const DID_SHOW = "textDocument/didShowCompletion";
export const DID_ACCEPT_PART = "textDocument/didPartiallyAcceptCompletion";
export const DID_CHANGE_STATUS = "didChangeStatus";
export const DID_CHANGE_OFFER = "plum/didChangeOffer";
export const DID_SELECT_INTERPRETERS = "plum/didSelectInterpreters";
export const ACCEPT = "plum.accept";
export const REJECT = "plum.reject";
export const CLOSE = "plum.close";
export const EXPLAIN = "plum.explain";

/** What this client says of itself under `capabilities.experimental`. */
export const SAYS = { plum: { reportsShown: true, cycles: true, status: true, offerChanges: true } };

export interface Command {
  title: string;
  command: string;
  arguments?: unknown[];
}

/** The part of an inline completion item that the server reads back: its command carries the offer's id. */
export interface Item {
  insertText: string;
  command?: Command;
}

export interface Status {
  busy: boolean;
  kind: "Normal" | "Warning" | "Error" | "Inactive";
  message: string;
  command?: Command;
  /** Nothing is offered, which is no trouble. */
  result?: "none";
}

export interface Test {
  origin: string;
  quote: string;
  status: string;
  shown: string;
}

/** What `plum.explain` answers. */
export interface Explanation {
  kind: "offer" | "abstention" | "nothing";
  text: string;
  markdown: string;
  offer?: string;
  tier?: string;
  reason?: string;
  detail?: string;
  /** That it is right, in [0, 1]. */
  probability?: number | null;
  tests?: Test[];
  policy?: { version: number; model: string };
}

/** The offer that an item stands for; undefined for an item of somebody else's. */
export function offerId(item: { command?: Command | undefined }): string | undefined {
  const first = item.command?.arguments?.[0];
  return typeof first === "string" ? first : undefined;
}

/** What the server says later of an offer: its new label, or that it is withdrawn. */
export interface OfferChange {
  offer: string;
  kind: "label" | "withdrawn";
  /** Whether there is a better offer to ask for. */
  again: boolean;
  explanation: Explanation;
}

/** `tier` is the label that the item is drawn with, where that has changed. */
export function shown(item: Item, tier?: string): { item: Item; tier?: string } {
  return tier ? { item, tier } : { item };
}

/** `acceptedLength` counts UTF-16 units from the item's start, which is what JavaScript counts in. */
export function partlyAccepted(item: Item, acceptedLength: number): { item: Item; acceptedLength: number } {
  return { item, acceptedLength };
}

export function command(name: string, ...args: string[]): { command: string; arguments: string[] } {
  return { command: name, arguments: args };
}
