/** The experiments that a verdict may use beside the table; each can be taken back. */

import type { Store } from "../store.js";
import { button, h } from "./dom.js";

export function experimentList(store: Store): HTMLElement {
  const root = h("div", { class: "row is-small", role: "group", "aria-label": "Experiments that are given too" });
  const show = (): void => {
    const { experiments } = store.state;
    root.hidden = experiments.length === 0;
    root.replaceChildren(
      h("span", { class: "row-title" }, "Given too, from experiments"),
      ...experiments.map((names, at) =>
        button(`do(${names.join(", ")}) ×`, () => store.setExperiments(experiments.filter((_, other) => other !== at)), {
          "aria-label": `Without the experiment on ${names.join(", ")}`,
        }),
      ),
    );
  };
  store.subscribe((_, changed) => {
    if (changed.has("experiments")) show();
  });
  show();
  return root;
}
