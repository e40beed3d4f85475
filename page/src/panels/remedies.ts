/** What would turn a no into a yes, as buttons that do it. */

import type { Remedy, Verdict } from "../contract.js";
import type { Store } from "../store.js";
import { button, h } from "./dom.js";

const TITLES: { readonly [kind in Remedy["kind"]]: string } = {
  measure: "Measure",
  remove: "Rule out, if you know better",
  experiment: "Do an experiment",
};

export function remedies(store: Store, verdict: Verdict): HTMLElement {
  const found = verdict.remedies ?? [];
  const groups = (Object.keys(TITLES) as Remedy["kind"][]).map((kind) => {
    const buttons = found.filter((remedy) => remedy.kind === kind).map((remedy) => remedyButton(store, remedy));
    return h(
      "div",
      { class: "row", role: "group", "aria-label": TITLES[kind], hidden: buttons.length === 0 },
      h("span", { class: "row-title" }, TITLES[kind]),
      ...buttons,
    );
  });
  return h(
    "div",
    { class: "remedies" },
    h("h3", {}, "What would make it a yes"),
    found.length > 0
      ? h("p", { class: "quiet" }, "What a button does, undo takes back.")
      : h("p", { class: "quiet" }, "No single step does."),
    ...groups,
  );
}

function remedyButton(store: Store, remedy: Remedy): HTMLButtonElement {
  const made = button(remedy.words, () => void apply(store, remedy), { class: "remedy", "data-remedy": remedy.kind });
  const nodes = remedy.edits.flatMap((edit) => ("name" in edit ? [edit.name] : [edit.tail, edit.head]));
  const light = (): void => store.light("hover", { nodes: [...nodes, ...remedy.experiments.flat()] });
  const dim = (): void => store.light("hover", null);
  made.addEventListener("pointerenter", light);
  made.addEventListener("focus", light);
  made.addEventListener("pointerleave", dim);
  made.addEventListener("blur", dim);
  return made;
}

async function apply(store: Store, remedy: Remedy): Promise<void> {
  store.light("hover", null);
  if (remedy.edits.length > 0) await store.edit(remedy.edits, "remedy");
  if (remedy.experiments.length > 0) store.setExperiments([...store.state.experiments, ...remedy.experiments]);
}
