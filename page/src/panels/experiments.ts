/** The experiments that a verdict uses beside what is seen: those that were added, each to be taken back, and those of the table. */

import { rowsIn, setting } from "../experiments.js";
import type { State, Store } from "../store.js";
import { button, folded, h } from "./dom.js";

export function experimentList(store: Store): HTMLElement {
  const list = h("div", { role: "group", "aria-label": "Experiments that count as known" });
  const show = ({ experiments, brought }: State): void => {
    list.hidden = experiments.length === 0 && (brought ?? []).length === 0;
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
    list.replaceChildren(
      h("div", { class: "row is-small" }, h("span", { class: "row-title" }, "Experiments that count as known"), ...added, ...there),
      h("p", { class: "caution", id: "experiments-lacking", hidden: lacking.length === 0 }, words),
    );
  };
  store.subscribe((state, changed) => {
    if (changed.has("experiments") || changed.has("brought")) show(state);
  });
  show(store.state);
  return h("div", { class: "folded-body is-plain" }, list, adder(store));
}

/** A menu of nodes that an experiment may have set. */
function adder(store: Store): HTMLElement {
  const menu = h("select", { id: "experiment-add" });
  const show = ({ reading, experiments }: State): void => {
    const known = new Set(experiments.filter((names) => names.length === 1).flat());
    const names = (reading?.nodes ?? []).filter((node) => !node.latent && !known.has(node.name)).map(({ name }) => name);
    menu.replaceChildren(h("option", { value: "" }, "choose"), ...names.map((name) => h("option", { value: name }, name)));
  };
  menu.addEventListener("change", () => menu.value && store.setExperiments([...store.state.experiments, [menu.value]]));
  store.subscribe((state, changed) => {
    if (changed.has("reading") || changed.has("experiments")) show(state);
  });
  show(store.state);
  return folded("Is an experiment known, too?", (body) => body.append(h("div", { class: "field" }, h("label", { for: "experiment-add" }, "An experiment that set"), menu)));
}
