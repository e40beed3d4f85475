// A question made from the parts that nodes play in it: what the keys and buttons of the drawing write.

import type { Role } from "./contract.js";
import { typed } from "./names.js";

/** A question with these parts, in the form of the one before it where that can be kept; null where nothing is asked about. */
export function questionOf(roles: ReadonlyMap<string, Role>, before: string): string | null {
  const of = (role: Role): string[] => [...roles].filter(([, part]) => part === role).map(([name]) => typed(name));
  const [treatments, outcomes, given] = [of("treatment"), of("outcome"), of("given")];
  if (outcomes.length === 0) return null;
  const conditions = (value: string): string => {
    const set = treatments.length > 0 ? [`do(${treatments.map((name) => name + value).join(", ")})`] : [];
    const all = [...set, ...given];
    return all.length > 0 ? ` | ${all.join(", ")}` : "";
  };
  const isContrast = /\]\s*-\s*E\[/.test(before);
  if (isContrast && outcomes.length === 1 && treatments.length > 0 && given.length === 0)
    return `E[${outcomes[0]}${conditions("=1")}] - E[${outcomes[0]}${conditions("=0")}]`;
  return `P(${outcomes.join(", ")}${conditions("")})`;
}
