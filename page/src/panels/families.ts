/** From a graph to a model: how each node is generated, as lines added to the text. */

import { typed } from "../names.js";
import type { Column, Table } from "../served.js";
import type { State, Store } from "../store.js";
import { button, h } from "./dom.js";
import type { Session } from "./session.js";
import { value } from "./wording.js";

/** A graph has arrows alone; to be trained it needs a family for each node. */
export function modelOffer(store: Store, session: Session): HTMLElement {
  const write = button("Write a family for each node", () => store.setText(withFamilies(store.state, session.state.table), "stroke"), {
    class: "primary",
  });
  const root = h(
    "div",
    { class: "row", id: "model-offer" },
    h("p", {}, "The text is a graph. To train it, it must say how each node is generated. The lines are added to the text, and you can change them there."),
    write,
  );
  const show = (): void => {
    const { reading } = store.state;
    root.hidden = session.state.table === null || reading === null || reading.kind === "model" || reading.nodes.length === 0;
  };
  store.subscribe((_, changed) => {
    if (changed.has("reading")) show();
  });
  session.subscribe((_, changed) => {
    if (changed.has("table")) show();
  });
  show();
  return root;
}

/** The text with one more line for each node: its family, chosen by its column, and its parents. */
function withFamilies({ text, reading }: State, table: Table | null): string {
  const lines = (reading?.nodes ?? []).map((node) => {
    const parents = (reading?.edges ?? [])
      .filter((edge) => edge.kind !== "<->" && edge.head === node.name)
      .map((edge) => `${edge.kind === "-|" ? "-" : edge.sign}${typed(edge.tail)}`);
    const [family, ...options] = node.latent ? ["normal"] : familyOf(table?.columns.find((column) => column.name === node.name));
    const inside = [...parents, ...options].join(", ");
    return `${typed(node.name)} ~ ${family}${inside ? `(${inside})` : ""}`;
  });
  return `${text.trimEnd()}\n${lines.join("\n")}\n`;
}

/** A family that can hold a column's values, and its options. What fits better, the check of the table proposes. */
function familyOf(column: Column | undefined): [string, ...string[]] {
  if (!column) return ["normal"];
  if (column.kind === "names") {
    const levels = column.levels.map(({ level }) => value(level)).sort();
    return [levels.length === 2 ? "bernoulli" : "categorical", `levels=[${levels.join(", ")}]`];
  }
  return column.distinct === 2 && column.minimum === 0 && column.maximum === 1 ? ["bernoulli"] : ["normal"];
}
