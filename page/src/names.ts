// How nodes and edges are named: in a text, in the drawing, to the eye.

import type { PageEdge } from "./contract.js";

export type EdgeName = Pick<PageEdge, "tail" | "head" | "kind">;

const PLAIN = /^\p{L}[\p{L}\p{N}_]*$/u;
const WORDS = new Set(["latent", "do", "for", "in", "by"]);
const LONGEST = 24;

/** A name as it is typed: between backticks unless it is a plain word. */
export function typed(name: string): string {
  return PLAIN.test(name) && !WORDS.has(name) ? name : `\`${name}\``;
}

/** A name as it is drawn: not too long, and with no character that hides or turns others around. */
export function shown(name: string): string {
  const signs = [...name].map((sign) => (/\p{C}|\p{Zl}|\p{Zp}/u.test(sign) ? `\\u${sign.codePointAt(0)?.toString(16)}` : sign));
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST - 1).join("")}…` : signs.join("");
}

/** What tells an edge from all others; the ends of `<->` in either order. */
export function edgeId({ tail, head, kind }: EdgeName): string {
  const [a, b] = kind === "<->" && head < tail ? [head, tail] : [tail, head];
  return JSON.stringify([a, b, kind === "<->" ? "<->" : "->"]);
}

/** An edge as it is typed. */
export function typedEdge({ tail, head, kind }: EdgeName): string {
  return `${typed(tail)} ${kind} ${typed(head)}`;
}

/** The first name that no node has: A, B, …, Z, A1, … */
export function freeName(taken: Iterable<string>): string {
  const names = new Set(taken);
  for (let round = 0; ; round++) {
    for (let at = 0; at < 26; at++) {
      const name = String.fromCharCode(65 + at) + (round || "");
      if (!names.has(name)) return name;
    }
  }
}
