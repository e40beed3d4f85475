/** The table: brought by a file, matched with the nodes, and looked at column by column. */

import type { Store } from "../store.js";
import { DataCheck } from "./datacheck.js";
import { columnTable, unmatched } from "./columns.js";
import { button, h } from "./dom.js";
import { fileField } from "./files.js";
import { modelOffer } from "./families.js";
import { rows } from "./rows.js";
import { Session } from "./session.js";
import { without } from "./without.js";

export function mount(root: HTMLElement, store: Store): void {
  if (!store.bridge.served) return without(root);
  const session = Session.of(store);
  let kept = "";
  const file = fileField("data-file", "Bring a table (.csv, .tsv, .parquet)", ".csv,.tsv,.txt,.parquet", (chosen) => {
    kept = chosen.name; // brought for the graph of now
    return session.upload(chosen);
  });
  const forget = (): HTMLElement =>
    button("Forget it", () => void session.forget().catch((error) => store.complain(error)), {
      title: "Remove the table and the fit from this machine's temporary folder",
    });
  const facts = h("div", { class: "row", id: "data-facts" });
  const columns = h("div", { class: "folded-body is-plain" });
  const check = new DataCheck(store, session);
  const keep = button("keep it", () => {
    kept = session.state.table?.name ?? "";
    show();
  });
  const other = h("div", { class: "row caution", id: "data-foreign", hidden: true }, h("p", {}, "No column of this table is a node of this graph. Perhaps it was brought for another graph: then forget it. Or"), keep);
  const addAll = button("Add a node for each column", () => void store.edit((session.state.table?.columns ?? []).map(({ name }) => ({ op: "add_node", name }))));
  const empty = h("div", { class: "row", id: "data-kept", hidden: true }, h("p", {}, "The graph is empty, and the table is kept."), addAll);
  root.append(file.root, facts, other, empty, columns, modelOffer(store, session), rows(store, session), check.root);
  takeDrops(root, (dropped) => file.send(dropped));

  const show = (): void => {
    const { table } = session.state;
    root.toggleAttribute("data-empty", table === null);
    facts.hidden = table === null;
    if (!table) other.hidden = empty.hidden = true;
    columns.hidden = table === null;
    if (!table) return;
    const size = `${table.rows.toLocaleString("en")} rows, ${table.columns.length} columns`;
    facts.replaceChildren(
      h("p", {}, h("strong", {}, table.name), ` · ${size}`),
      forget(),
    );
    const own = new Set(store.state.reading?.nodes.map(({ name }) => name));
    empty.hidden = own.size > 0;
    const foreign = own.size > 0 && kept !== table.name && !table.columns.some(({ name }) => own.has(name));
    for (const each of [columns, check.root, other]) each.classList.toggle("is-foreign", foreign);
    other.hidden = !foreign;
    columns.hidden = foreign;
    if (foreign) return;
    columns.replaceChildren(columnTable(store, table), unmatched(store, table));
  };
  session.subscribe((_, changed) => {
    if (changed.has("table")) show();
  });
  store.subscribe((_, changed) => {
    if (changed.has("text") && store.source === "opening") kept = "";
    if (changed.has("reading") && session.state.table) show();
  });
  show();
}

function takeDrops(root: HTMLElement, take: (file: File) => void): void {
  root.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("is-target");
  });
  root.addEventListener("dragleave", () => root.classList.remove("is-target"));
  root.addEventListener("drop", (event) => {
    root.classList.remove("is-target");
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  });
}
