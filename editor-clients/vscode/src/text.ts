/** Pure arithmetic on offers. */

/** What is left of an offer once `typed` stands in its place; undefined if something else was typed. */
export function rest(text: string, typed: string): string | undefined {
  return text.startsWith(typed) ? text.slice(typed.length) : undefined;
}

/** The index of the offer `delta` further, round and round. */
export function cycled(index: number, delta: number, count: number): number {
  return count === 0 ? 0 : (((index + delta) % count) + count) % count;
}
