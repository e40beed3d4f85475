// The pane of the drawing: its tools, the board, what its marks mean.

import { h, button } from "../panels/dom.js";
import type { State, Store } from "../store.js";
import { Actions, type Action } from "./actions.js";
import { Drawing } from "./canvas.js";
import { ROLES, SIGNS } from "./looks.js";
import { isTouched, Strokes, type Tool } from "./strokes.js";

const TOOLS: readonly (readonly [Tool, string, string])[] = [
  ["move", "✥", "Move nodes; an edge is drawn from a node's border"],
  ["->", "→", "Draw causes: drag from node to node"],
  ["-|", "⊣", "Draw inhibiting edges: drag from node to node"],
  ["<->", "↔", "Draw hidden common causes: drag from node to node"],
];

const MOUSE = "Double-click adds a node. Drag from a node's border to draw an edge. ? lists the keys.";
const TOUCH = "Tap twice to add a node. Choose an arrow above and drag from node to node to draw an edge.";

export function mountBoard(root: HTMLElement, store: Store, announce: (words: string) => void): Drawing {
  const surface = h("div", { class: "surface" });
  const hint = h("p", { class: "hint board-part" }, isTouched() ? TOUCH : MOUSE);
  const board = h(
    "div",
    {
      class: "board",
      tabindex: 0,
      role: "application",
      "aria-label": "Drawing of the graph",
      "aria-describedby": "board-keys",
    },
    surface,
    hint,
    h("p", { id: "board-keys", class: "unseen" }, "Page Down goes from node to node, question mark lists the keys. The table of nodes and edges does the same."),
  );
  const begin = hint.textContent ?? "";
  const tell = (words: string): void => {
    hint.textContent = words;
    announce(words);
  };
  store.subscribe(({ fault }, changed) => {
    // What was told is of the text before.
    if (changed.has("text") || changed.has("questions")) hint.textContent = store.source === "opening" ? begin : "";
    if (changed.has("fault")) hint.textContent = fault ? "The text cannot be read. This is what it said before." : "";
  });
  root.append(board);
  const drawing = new Drawing(surface, store);
  const strokes = new Strokes(drawing, board, tell);
  const keys = h("dialog", { class: "keys", "aria-labelledby": "keys-title" });
  const actions = new Actions(drawing, strokes, tell, () => keys.showModal());
  fillKeys(keys, actions);
  root.prepend(toolbar(actions, strokes));
  root.append(keys);
  board.append(empty(store));
  const selected = chosen(store, actions, strokes);
  root.append(h("div", { class: "strip" }, legend(store), selected));
  board.addEventListener("keydown", (event) => {
    if (event.target === board && actions.press(event)) event.preventDefault();
  });
  strokes.use("move");
  return drawing;
}

function acting(action: Action, label = action.label, attributes = {}): HTMLButtonElement {
  const key = action.keys[0] ?? "";
  return button(label, () => action.run(), { title: `${action.words} (${key})`, ...attributes });
}

function toolbar(actions: Actions, strokes: Strokes): HTMLElement {
  const tools = TOOLS.map(([tool, sign, words]) =>
    button(sign, () => strokes.use(tool), { class: "tool", title: words, "aria-label": words, "data-tool": tool }),
  );
  strokes.onTool(() => {
    for (const each of tools) each.setAttribute("aria-pressed", String(each.dataset["tool"] === strokes.tool));
  });
  const icon = (key: string, sign: string): HTMLButtonElement => {
    const action = actions.named(key);
    return acting(action, sign, { "aria-label": action.label, class: "tool" });
  };
  return h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Drawing" },
    h("span", { class: "group" }, ...tools),
    acting(actions.named("n"), "+ Node"),
    acting(actions.named("l")),
    h("span", { class: "group" }, icon("-", "−"), icon("+", "+"), icon("0", "Fit")),
    icon("?", "?"),
  );
}

/** What can be done with what is selected. */
function chosen(store: Store, actions: Actions, strokes: Strokes): HTMLElement {
  const bar = h("div", { class: "chosen", role: "toolbar", "aria-label": "What is selected", hidden: true });
  const node = ["e", "o", "a", "u", "c", "b", "r", "d"].map((key) => acting(actions.named(key)));
  const edge = ["f", "i", "d"].map((key) => acting(actions.named(key)));
  bar.addEventListener("click", () => strokes.focus());
  actions.onWaiting(() => {
    node[4]?.setAttribute("aria-pressed", String(actions.waiting === "->"));
    node[5]?.setAttribute("aria-pressed", String(actions.waiting === "<->"));
  });
  store.subscribe(({ selection }, changed) => {
    if (!changed.has("selection")) return;
    const directed = selection.edges.some(({ kind }) => kind !== "<->");
    const shownButtons = selection.nodes.length > 0 ? node : directed ? edge : edge.slice(selection.edges.length > 0 ? -1 : 3);
    bar.replaceChildren(...shownButtons);
    bar.hidden = shownButtons.length === 0;
  });
  return bar;
}

function empty(store: Store): HTMLElement {
  const words = h(
    "p",
    { class: "empty board-part", hidden: true },
    "Nothing is drawn yet. An edge may be typed in the text too: X -> Y.",
  );
  const nothing = words.textContent ?? "";
  const show = ({ reading, fault, loading }: State): void => {
    words.hidden = reading ? reading.nodes.length > 0 : fault !== null;
    words.textContent = reading ? nothing : loading || "Loading …";
  };
  store.subscribe((state, changed) => {
    if (changed.has("reading") || changed.has("loading") || changed.has("fault")) show(state);
  });
  show(store.state);
  return words;
}

/** What the marks mean: those alone that are in the drawing. */
function legend(store: Store): HTMLElement {
  const list = h("ul", { class: "legend", "aria-label": "What the marks mean" });
  store.subscribe((state, changed) => {
    if (!["reading", "verdicts", "active", "lit", "draft"].some((key) => changed.has(key as never))) return;
    const roles = new Set(store.roles.values());
    const { nodes = [], edges = [] } = state.reading ?? {};
    const rows: (readonly [string, string, string])[] = [];
    for (const role of ["treatment", "outcome", "given"] as const)
      if (roles.has(role)) rows.push([role, SIGNS[role], ROLES[role]]);
    if (nodes.some((node) => node.latent)) rows.push(["latent", "", "latent: nobody measured it"]);
    if (edges.some((edge) => edge.kind === "<->")) rows.push(["arc", "↔", "a hidden common cause"]);
    if (edges.some((edge) => edge.kind === "-|")) rows.push(["inhibits", "⊣", "inhibits"]);
    if (state.lit.hedge) rows.push(["hedge", "", "the hedge: why there is no answer"]);
    list.replaceChildren(...rows.map(([name, sign, words]) => h("li", {}, h("span", { class: `mark is-${name}`, "aria-hidden": "true" }, sign), words)));
  });
  return list;
}

function fillKeys(dialog: HTMLDialogElement, actions: Actions): void {
  const rows = [
    ["double click", "new node; on a node, rename it"],
    ["drag from a node's border", "edge →; with Shift a hidden common cause ↔, with Alt an inhibiting edge ⊣"],
    ["Shift and drag beside the nodes", "select several"],
    ...actions.all.filter(({ words }) => words).map(({ keys, words }) => [keys[0] === "ArrowLeft" ? "arrow keys" : keys.join(", "), words]),
    ["Ctrl Z, Ctrl Shift Z", "undo, redo (everywhere on the page)"],
  ] as const;
  dialog.append(
    h("h2", { id: "keys-title" }, "Keys in the drawing"),
    h("dl", {}, ...rows.flatMap(([keys, words]) => [h("dt", {}, keys as string), h("dd", {}, words as string)])),
    button("Close", () => dialog.close(), { class: "close" }),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
