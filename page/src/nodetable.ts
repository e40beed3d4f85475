// Nodes and edges as a table: the drawing for those who do not see it or do not draw. It edits the same text.

import type { EdgeKind, PageEdge, PageNode, Role } from "./contract.js";
import { WORDS } from "./drawing/strokes.js";
import { edgeId, freeName, shown } from "./names.js";
import { button, h } from "./panels/dom.js";
import type { State, Store } from "./store.js";

const KINDS: readonly EdgeKind[] = ["->", "-|", "<->"];
const PARTS: readonly (readonly [Role | "", string])[] = [
  ["", "–"],
  ["treatment", "treatment"],
  ["outcome", "outcome"],
  ["given", "given"],
];

export function mountTable(root: HTMLElement, store: Store): void {
  const nodes = h("tbody");
  const edges = h("tbody");
  const heads = (...words: string[]): HTMLElement => h("thead", {}, h("tr", {}, ...words.map((word) => h("th", { scope: "col" }, word))));
  root.append(
    h("table", { class: "nodes" }, h("caption", {}, "Nodes"), heads("Name", "Latent", "Part", ""), nodes),
    adder("node-adder", store),
    h("table", { class: "edges" }, h("caption", {}, "Edges"), heads("From", "Edge", "To", ""), edges),
    linker(store),
  );
  store.subscribe((state, changed) => {
    if (changed.has("reading")) fill(state, store, nodes, edges);
    else if (changed.has("verdicts") || changed.has("active") || changed.has("draft")) showRoles(store, nodes);
    if (changed.has("reading") || changed.has("selection")) showSelection(state, nodes, edges);
  });
}

function fill({ reading }: State, store: Store, nodes: HTMLElement, edges: HTMLElement): void {
  if (!reading) return;
  const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["at"] : undefined;
  keepRows(nodes, reading.nodes, (node) => `${node.latent} ${node.name}`, (node) => nodeRow(node, store));
  keepRows(edges, reading.edges, (edge) => `${edge.sign}${edge.kind} ${edgeId(edge)}`, (edge) => edgeRow(edge, store));
  showRoles(store, nodes);
  if (focus !== undefined) document.querySelector<HTMLElement>(`[data-at="${CSS.escape(focus)}"]`)?.focus();
}

/** Put rows in, those that say the same as before as they are: a big graph has hundreds. */
function keepRows<T>(body: HTMLElement, all: readonly T[], key: (each: T) => string, make: (each: T) => HTMLElement): void {
  const known = new Map([...body.children].map((row) => [(row as HTMLElement).dataset["key"], row as HTMLElement]));
  const rows = all.map((each) => {
    const row = known.get(key(each)) ?? make(each);
    row.dataset["key"] = key(each);
    return row;
  });
  const wanted = new Set(rows);
  for (const row of known.values()) if (!wanted.has(row)) row.remove();
  for (const [at, row] of rows.entries()) if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
}

function nodeRow(node: PageNode, store: Store): HTMLElement {
  const { name } = node;
  const field = h("input", { value: name, "aria-label": `Name of ${shown(name)}`, spellcheck: "false", autocomplete: "off", "data-at": `n${name}` });
  field.addEventListener("change", () => {
    const to = field.value.trim();
    if (to === "" || to === name) field.value = name;
    else void store.edit([{ op: "rename", name, to }]).then((done) => done || (field.value = name));
  });
  const latent = h("input", { type: "checkbox", "aria-label": `${shown(name)} is latent`, "data-at": `l${name}` });
  latent.checked = node.latent;
  latent.addEventListener("change", () => {
    void store.edit([{ op: "set_latent", name, latent: latent.checked }]).then((done) => done || (latent.checked = node.latent));
  });
  const part = h("select", { "aria-label": `Part of ${shown(name)} in the question`, "data-at": `p${name}` }, ...PARTS.map(([value, words]) => h("option", { value }, words)));
  part.addEventListener("change", () => {
    const role = (part.value || store.roles.get(name)) as Role | undefined;
    if (role) store.setRole([name], role);
  });
  const gone = button("✕", () => void store.edit([{ op: "remove_node", name }]), { class: "icon", "aria-label": `Delete ${shown(name)}`, title: "Delete" });
  const row = h("tr", { "data-node": name }, h("td", {}, field), h("td", {}, latent), h("td", {}, part), h("td", {}, gone));
  row.addEventListener("focusin", () => store.select([name]));
  row.addEventListener("pointerenter", () => store.light("hover", { nodes: [name] }));
  row.addEventListener("pointerleave", () => store.light("hover", null));
  return row;
}

function edgeRow(edge: PageEdge, store: Store): HTMLElement {
  const { tail, head, kind } = edge;
  const words = `${shown(tail)} ${WORDS[kind]} ${shown(head)}`;
  const choice = h("select", { "aria-label": `Kind of the edge: ${words}`, "data-at": edgeId(edge) }, ...kindOptions());
  choice.value = kind;
  choice.addEventListener("change", () => {
    const wanted = choice.value as EdgeKind;
    const edits =
      kind !== "<->" && wanted !== "<->"
        ? [{ op: "sign", tail, head, sign: wanted === "-|" ? "-" : "" } as const]
        : [{ op: "remove_edge", tail, head, kind } as const, { op: "add_edge", tail, head, kind: wanted } as const];
    void store.edit(edits).then((done) => done || (choice.value = kind));
  });
  const flip = button("⇄", () => void store.edit([{ op: "flip", tail, head }]), { class: "icon", "aria-label": `Turn around: ${words}`, title: "Turn around", disabled: kind === "<->" });
  const gone = button("✕", () => void store.edit([{ op: "remove_edge", tail, head, kind }]), { class: "icon", "aria-label": `Delete: ${words}`, title: "Delete" });
  const row = h("tr", { "data-edge": edgeId(edge) }, h("td", {}, shown(tail)), h("td", {}, choice), h("td", {}, shown(head)), h("td", {}, flip, gone));
  row.addEventListener("focusin", () => store.select([], [{ tail, head, kind }]));
  row.addEventListener("pointerenter", () => store.light("hover", { edges: [edge] }));
  row.addEventListener("pointerleave", () => store.light("hover", null));
  return row;
}

function kindOptions(): HTMLElement[] {
  const signs: { readonly [kind in EdgeKind]: string } = { "->": "→ causes", "-|": "⊣ inhibits", "<->": "↔ hidden cause" };
  return KINDS.map((kind) => h("option", { value: kind }, signs[kind]));
}

function adder(id: string, store: Store): HTMLElement {
  const field = h("input", { id, "aria-label": "Name of a new node", placeholder: "new node", spellcheck: "false", autocomplete: "off" });
  const form = h("form", { class: "adder" }, field, h("button", { type: "submit" }, "Add node"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = field.value.trim() || freeName(store.state.reading?.nodes.map((node) => node.name) ?? []);
    void store.edit([{ op: "add_node", name }]).then((done) => done && (field.value = ""));
  });
  return form;
}

/** The form that adds an edge. */
function linker(store: Store): HTMLElement {
  const [from, to] = [h("select", { "aria-label": "From" }), h("select", { "aria-label": "To" })];
  const kind = h("select", { "aria-label": "Kind of the new edge" }, ...kindOptions());
  const form = h("form", { class: "adder" }, from, kind, to, h("button", { type: "submit" }, "Add edge"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void store.edit([{ op: "add_edge", tail: from.value, head: to.value, kind: kind.value as EdgeKind }]);
  });
  store.subscribe(({ reading }, changed) => {
    if (!changed.has("reading") || !reading) return;
    for (const [at, choice] of [from, to].entries()) {
      const before = choice.value;
      if (choice.length === reading.nodes.length && reading.nodes.every((node, k) => node.name === choice.options[k]?.value)) continue;
      choice.replaceChildren(...reading.nodes.map((node) => h("option", { value: node.name }, shown(node.name))));
      choice.value = reading.nodes.some((node) => node.name === before) ? before : (reading.nodes[at]?.name ?? "");
    }
  });
  return form;
}

function showRoles(store: Store, nodes: HTMLElement): void {
  const { roles } = store;
  for (const row of nodes.children) {
    const choice = row.querySelector("select");
    if (choice) choice.value = roles.get((row as HTMLElement).dataset["node"] ?? "") ?? "";
  }
}

function showSelection({ selection }: State, nodes: HTMLElement, edges: HTMLElement): void {
  const chosen = new Set([...selection.nodes, ...selection.edges.map(edgeId)]);
  for (const row of [...nodes.children, ...edges.children] as HTMLElement[]) {
    const is = chosen.has(row.dataset["node"] ?? row.dataset["edge"] ?? "");
    row.classList.toggle("is-chosen", is);
    if (is && !row.contains(document.activeElement)) scrollTo(row);
  }
}

/** Bring a row into view inside its own pane: the page itself stays where it is. */
function scrollTo(row: HTMLElement): void {
  const pane = row.closest<HTMLElement>(".table-pane");
  if (!pane) return;
  const [outer, inner] = [pane.getBoundingClientRect(), row.getBoundingClientRect()];
  if (inner.top < outer.top) pane.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) pane.scrollTop += inner.bottom - outer.bottom;
}
