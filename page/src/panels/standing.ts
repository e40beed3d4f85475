/** How a question stands, in a sign, a word and a name for its colour. */

import type { VerdictRow } from "../contract.js";

export interface Standing {
  readonly name: "yes" | "no" | "fault" | "open";
  readonly sign: string;
  readonly word: string;
}

export function standing(verdict: VerdictRow | null): Standing {
  if (!verdict) return { name: "open", sign: "…", word: "not looked at yet" };
  if (!verdict.ok) return { name: "fault", sign: "!", word: "not a question yet" };
  return verdict.identifiable
    ? { name: "yes", sign: "✓", word: "can be answered" }
    : { name: "no", sign: "✗", word: "cannot be answered" };
}
