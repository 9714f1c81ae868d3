/** Pure arithmetic on offers. */

/** What is left of an offer once `typed` stands in its place; undefined if something else was typed. */
export function rest(text: string, typed: string): string | undefined {
  return text.startsWith(typed) ? text.slice(typed.length) : undefined;
}

/** Text without what a message would draw as a link: `[text](address)`, with `command:` addresses too. */
export function plain(text: string): string {
  return text.replace(/\](?=\s*\()/g, "] ");
}

/** The model that a message of the server says to fetch; undefined if it names none. */
export function modelToFetch(message: string): string | undefined {
  return /\bmodel fetch (\w(?:[\w.-]*\w)?)/.exec(message)?.[1];
}

/** The index of the offer `delta` further, round and round. */
export function cycled(index: number, delta: number, count: number): number {
  return count === 0 ? 0 : (((index + delta) % count) + count) % count;
}
