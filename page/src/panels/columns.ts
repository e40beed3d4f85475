/** The columns of a table beside the nodes of the graph. */

import { shown } from "../names.js";
import type { Column, Table } from "../served.js";
import type { Store } from "../store.js";
import { button, h, table as tableOf } from "./dom.js";
import { histogram } from "./histogram.js";

export function columnTable(store: Store, table: Table): HTMLElement {
  const rows = table.columns.map((column) => [
    shown(column.name),
    nodeCell(store, column),
    column.missing > 0 ? column.missing.toLocaleString("en") : "none",
    column.problem === null ? valuesOf(column) : h("span", { class: "wrong" }, column.problem),
    histogram(column),
  ]);
  return tableOf("Columns and nodes", ["column", "node", "missing", "values", "histogram"], rows);
}

/** Measured nodes that no column has: somebody forgot them, or nobody measured them. */
export function unmatched(store: Store, table: Table): HTMLElement {
  const names = new Set(table.columns.map((column) => column.name));
  const lacking = store.state.reading?.nodes.filter((node) => !node.latent && !names.has(node.name)) ?? [];
  const rows = lacking.map((node) =>
    h(
      "li",
      { class: "row" },
      `No column for ${shown(node.name)}.`,
      button("Nobody measured it", () => void store.edit([{ op: "set_latent", name: node.name, latent: true }]), {
        "aria-label": `Nobody measured ${node.name}`,
      }),
    ),
  );
  return h("ul", { class: "caution", hidden: rows.length === 0 }, ...rows);
}

function nodeCell(store: Store, { name }: Column): Node {
  const node = store.state.reading?.nodes.find((each) => each.name === name);
  if (node) {
    const family = node.family ? ` ${node.family}` : "";
    return h("span", {}, node.latent ? "latent: the column is not read" : `✓${family}`);
  }
  return button("Add node", () => void store.edit([{ op: "add_node", name }]), { "aria-label": `Add the node ${name}` });
}

function valuesOf(column: Column): string {
  if (column.kind === "names") {
    const names = column.levels.slice(0, 4).map(({ level }) => shown(level));
    return `${names.join(", ")}${column.distinct > names.length ? `, … (${column.distinct} in all)` : ""}`;
  }
  const { minimum, maximum, mean, distinct } = column;
  if (minimum === null || maximum === null || mean === null) return "none";
  const about = distinct > 2 ? `, mean ${number(mean, 3)}` : "";
  return `${number(minimum, 3)} to ${number(maximum, 3)}${about}`;
}

/** Numbers that stand together, to as many decimals as the largest needs: no zero is dropped from one of them. */
export function alike(values: readonly number[], digits: number): string[] {
  const size = Math.max(...values.map(Math.abs));
  if (size === 0 || size >= 1e6 || size < 1e-4) return values.map((value) => number(value, digits));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return values.map((value) => value.toFixed(decimals).replace(/^-(?=0\.?0*$)/, ""));
}

/** A number to look at: four digits, or as many as are wanted. */
export function number(value: number, digits = 4): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return String(Number(value.toPrecision(digits)));
}
