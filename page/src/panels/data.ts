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
  /** What this tab brought: where the table is forgotten, it can be brought back. */
  let brought: { readonly file: File; readonly column: string | null } | null = null;
  const bring = async (chosen: File, column: string | null = null): Promise<void> => {
    kept = chosen.name; // brought for the graph of now
    await session.upload(chosen);
    brought = { file: chosen, column };
    if (column !== null) session.set({ do: column });
  };
  const file = fileField("data-file", "Bring a table (.csv, .tsv, .parquet)", ".csv,.tsv,.txt,.parquet", (chosen) => bring(chosen));
  const forget = (): void => {
    if (brought) brought = { ...brought, column: session.state.do };
    void session.forget("table").catch((error) => store.complain(error));
  };
  const back = h("div", { class: "row", id: "data-back", hidden: true });
  const showBack = (): void => {
    const again = session.state.table === null ? brought : null;
    back.hidden = again === null;
    if (!again) return;
    const words = `${again.file.name} is forgotten.${session.state.fit?.fit ? " The fit and its answers stay." : ""}`;
    back.replaceChildren(h("p", {}, words), button("Bring it back", () => void bring(again.file, again.column).catch((error) => store.complain(error))));
  };
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
  root.append(file.root, back, facts, other, empty, columns, modelOffer(store, session), rows(store, session), check.root);
  takeDrops(root, (dropped) => file.send(dropped));

  const show = (): void => {
    const { table } = session.state;
    root.toggleAttribute("data-empty", table === null);
    showBack();
    facts.hidden = table === null;
    if (!table) other.hidden = empty.hidden = true;
    columns.hidden = table === null;
    if (!table) return;
    const count = (n: number, word: string): string => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
    const size = `${count(table.rows, "row")}, ${count(table.columns.length, "column")}`;
    facts.replaceChildren(
      h("p", {}, h("strong", {}, table.name), ` · ${size}`),
      button("Forget it", forget, { title: "Remove the table from this machine's temporary folder; a fit stays" }),
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
    if (changed.has("table") || changed.has("do") || changed.has("missing")) file.clear();
  });
  store.subscribe((_, changed) => {
    if (changed.has("text")) file.clear();
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
