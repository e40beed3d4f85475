/** The experiments that a verdict uses beside what is seen: those that were added, each to be taken back, and those of the table. */

import { rowsIn, setting } from "../experiments.js";
import type { State, Store } from "../store.js";
import { button, h } from "./dom.js";

export function experimentList(store: Store): HTMLElement {
  const root = h("div", { role: "group", "aria-label": "Experiments that count as known" });
  const show = ({ experiments, brought }: State): void => {
    root.hidden = experiments.length === 0 && (brought ?? []).length === 0;
    const added = experiments.map((names, at) =>
      button(`${setting(names)} ×`, () => store.setExperiments(experiments.filter((_, other) => other !== at)), {
        "aria-label": `Without the experiment on ${names.join(", ")}`,
      }),
    );
    const there = (brought ?? []).map(({ do: names, rows }) =>
      h("span", { class: "tag" }, `${setting(names)}: ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"} of the table`),
    );
    const { lacking } = store;
    const words = `The table has no ${lacking.map(rowsIn).join(", and no ")}. For a fit, bring such rows too, and choose below, under Table, the column that names what was set in each row.`;
    root.replaceChildren(
      h("div", { class: "row is-small" }, h("span", { class: "row-title" }, "Experiments that count as known"), ...added, ...there),
      h("p", { class: "caution", id: "experiments-lacking", hidden: lacking.length === 0 }, words),
    );
  };
  store.subscribe((state, changed) => {
    if (changed.has("experiments") || changed.has("brought")) show(state);
  });
  show(store.state);
  return root;
}
