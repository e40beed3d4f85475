/** How the rows are read: what is done about missing cells, and which column names what was set. */

import type { Store } from "../store.js";
import { h } from "./dom.js";
import type { Session, SessionState } from "./session.js";

const MISSING: readonly (readonly [string, string])[] = [
  ["", "are refused"],
  ["latent", "are latent values"],
  ["drop", "drop their rows"],
];

export function rows(store: Store, session: Session): HTMLElement {
  const missing = h("select", { id: "data-missing" }, ...MISSING.map(([name, words]) => h("option", { value: name }, words)));
  const set = h("select", { id: "data-do" });
  const root = h(
    "div",
    { class: "row" },
    h("div", { class: "field" }, h("label", { for: "data-missing" }, "Missing cells"), missing),
    h("div", { class: "field" }, h("label", { for: "data-do" }, "Experiments: column with the nodes that were set"), set),
  );
  missing.addEventListener("change", () => session.set({ missing: (missing.value || null) as SessionState["missing"] }));
  set.addEventListener("change", () => session.set({ do: set.value || null }));
  const show = (): void => {
    const { table } = session.state;
    root.hidden = table === null;
    const nodes = new Set(store.state.reading?.nodes.map((node) => node.name));
    const columns = (table?.columns ?? []).filter((column) => column.kind === "names" && !nodes.has(column.name));
    set.replaceChildren(...["", ...columns.map((column) => column.name)].map((name) => h("option", { value: name }, name || "none")));
    set.value = session.state.do ?? "";
    missing.value = session.state.missing ?? "";
  };
  session.subscribe((_, changed) => {
    if (changed.has("table") || changed.has("missing") || changed.has("do")) show();
  });
  show();
  return root;
}
