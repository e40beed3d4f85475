/** Questions as text: how a node is written in one, and the usual questions about a treatment and an outcome. */

import { typed } from "../names.js";

/** A node that a question is about; `levels` are its values where it has only some. */
export interface Asked {
  readonly name: string;
  readonly levels: readonly (string | number)[] | null;
  /** The quartiles of its column, where it is a number of which a table is there. */
  readonly quartiles: readonly [number, number] | null;
}

export interface Roles {
  readonly treatment: Asked;
  readonly outcome: Asked;
  readonly given: Asked | null;
}

export interface Template {
  readonly name: string;
  readonly says: string;
  readonly write: (roles: Roles) => string;
}

/** The last level and the first, else the quartiles of the column, else 1 and 0. */
function high({ levels, quartiles }: Asked): string {
  return value(levels?.at(-1) ?? quartiles?.[1] ?? 1);
}

function low({ levels, quartiles }: Asked): string {
  return value(levels?.[0] ?? quartiles?.[0] ?? 0);
}

export function value(level: string | number): string {
  return typeof level === "number" ? String(level) : (typed(level) === level ? level : `'${level}'`);
}

const set = (node: Asked, to: string): string => `do(${typed(node.name)}=${to})`;
const known = (given: Asked | null): string => (given ? `, ${typed(given.name)}=${high(given)}` : "");

/** The mean of the outcome; of one whose levels are words, the share of the last. */
function mean({ outcome, treatment, given }: Roles, to: string): string {
  const behind = `${set(treatment, to)}${known(given)}`;
  const words = outcome.levels?.some((level) => typeof level === "string");
  const name = typed(outcome.name);
  return words ? `P(${name}=${high(outcome)} | ${behind})` : `E[${name} | ${behind}]`;
}

export const TEMPLATES: readonly Template[] = [
  {
    name: "Distribution",
    says: "how the outcome is distributed where the treatment is set: its interventional distribution (law)",
    write: ({ treatment, outcome, given }) =>
      `P(${typed(outcome.name)} | do(${typed(treatment.name)})${given ? `, ${typed(given.name)}` : ""})`,
  },
  {
    name: "Effect",
    says: "how far the outcome moves when the treatment goes from low to high (average causal effect); with a table, from quartile to quartile",
    write: (roles) => `${mean(roles, high(roles.treatment))} - ${mean(roles, low(roles.treatment))}`,
  },
  {
    name: "Mean",
    says: "the mean of the outcome where the treatment is set",
    write: (roles) => mean(roles, high(roles.treatment)),
  },
  {
    name: "Probability",
    says: "how often the outcome is high where the treatment is set",
    write: ({ treatment, outcome, given }) => {
      const event = outcome.levels ? `=${high(outcome)}` : ` > ${outcome.quartiles ? high(outcome) : 0}`;
      return `P(${typed(outcome.name)}${event} | ${set(treatment, high(treatment))}${known(given)})`;
    },
  },
];
