// Experiments, each by the nodes that it sets; in which order these stand makes no other one.

export type Experiments = readonly (readonly string[])[];

function key(names: readonly string[]): string {
  return JSON.stringify([...names].sort());
}

/** All of several lists, each once. */
export function all(...lists: readonly Experiments[]): string[][] {
  const found = new Map(lists.flat().map((names) => [key(names), [...names]]));
  return [...found.values()];
}

/** Those of the first list that the second has not. */
export function lacking(wanted: Experiments, there: Experiments): string[][] {
  const known = new Set(there.map(key));
  return all(wanted).filter((names) => !known.has(key(names)));
}

/** An experiment as a question would write it. */
export function setting(names: readonly string[]): string {
  return `do(${names.join(", ")})`;
}

/** What rows of an experiment are: "rows in which X and Z were set". */
export function rowsIn(names: readonly string[]): string {
  return `rows in which ${names.join(" and ")} ${names.length === 1 ? "was" : "were"} set`;
}
