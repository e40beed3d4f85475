/** Every pair at once: rows are set, columns are looked at, and a click asks. */

import type { AnswerablePair, AnswerableReply } from "../contract.js";
import type { Store } from "../store.js";
import { messageOf } from "./waiting.js";
import { button, h } from "./dom.js";
import { Latest } from "./latest.js";

/** More pairs than this are looked at only when asked for. */
const MOST_NODES = 24;
const PAUSE = 150;

export function matrix(store: Store): HTMLElement {
  const place = h("div", { class: "folded-body" });
  const details = h(
    "details",
    { class: "folded", "data-fold": "matrix" },
    h("summary", {}, "Every pair: which effects can be answered"),
    place,
  );
  let shown = "";
  let wanted = "";
  const show = (...made: readonly Node[]): void => {
    place.removeAttribute("data-behind");
    place.replaceChildren(...made);
  };
  const latest = new Latest<AnswerableReply>(
    PAUSE,
    (reply) => show(...parts(store, reply)),
    (error) => show(h("p", { class: "fault" }, messageOf(error))),
  );
  const look = (key: string): void => {
    const { text } = store.state;
    shown = key;
    place.setAttribute("data-behind", "");
    const request = { text, experiments: store.known };
    latest.ask((signal) => store.bridge.call("answerable", request, signal));
  };
  const offer = (key: string, nodes: number): void => {
    latest.cancel();
    shown = "";
    const go = button("Look at them all", () => {
      wanted = key;
      look(key);
    });
    show(h("p", {}, `${nodes} measured nodes have many pairs; this can take a while.`), go);
  };
  const consider = (): void => {
    const { reading } = store.state;
    const key = JSON.stringify([reading?.canonical, store.known]);
    if (!details.open || !reading || key === shown) return;
    if (reading.measured.length <= MOST_NODES || wanted === key) look(key);
    else offer(key, reading.measured.length);
  };
  details.addEventListener("toggle", consider);
  store.subscribe((_, changed) => {
    if (changed.has("reading") || changed.has("experiments") || changed.has("brought")) consider();
  });
  return details;
}

function parts(store: Store, reply: AnswerableReply): Node[] {
  const pairs = new Map(reply.pairs.map((pair) => [key(pair.treatment, pair.outcome), pair]));
  const grid = h(
    "table",
    { class: "matrix", role: "grid", "aria-label": "Rows are set, columns are looked at" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "do"), ...reply.outcomes.map((names) => h("th", { scope: "col" }, names.join(", "))))),
    h("tbody", {}, ...reply.treatments.map((treatment) => row(treatment, reply.outcomes, pairs))),
  );
  walkable(grid, (cell) => asked(store, cell.dataset.query));
  grid.addEventListener("pointerover", (event) => lightPair(store, event.target));
  grid.addEventListener("pointerleave", () => store.light("pair", null));
  grid.addEventListener("focusin", (event) => lightPair(store, event.target));
  grid.addEventListener("focusout", () => store.light("pair", null));
  const legend = Object.entries(reply.legend).map(([sign, words]) => h("li", {}, h("code", {}, sign), ` ${words}`));
  return [
    h("p", {}, headline(reply)),
    h("div", { class: "wide" }, grid),
    h("ul", { class: "signs" }, ...legend),
  ];
}

/** How many can be answered; a pair without an effect is no effect to be answered. */
function headline({ identified, asked, pairs }: AnswerableReply): string {
  const none = pairs.filter(({ form }) => form === "no effect").length;
  const most = `${identified - none} of ${asked - none} effects can be answered`;
  const rest = none === 0 ? "" : `; ${none === 1 ? "one more pair has" : `${none} more pairs have`} no effect in this graph`;
  return `${most}${rest}. Choose one to ask it.`;
}

function key(treatment: readonly string[], outcome: readonly string[]): string {
  return JSON.stringify([treatment, outcome]);
}

function row(treatment: string[], outcomes: string[][], pairs: ReadonlyMap<string, AnswerablePair>): HTMLTableRowElement {
  const cells = outcomes.map((outcome) => {
    const pair = pairs.get(key(treatment, outcome));
    if (!pair) return h("td", {});
    const word = pair.identifiable ? (pair.form ?? "identified") : "not identified";
    const kind = pair.identifiable ? (pair.form === "no effect" ? "none" : "yes") : "no";
    return h(
      "td",
      { class: `is-${kind}`, tabindex: -1, title: `${pair.query}: ${word}`, "aria-label": `${pair.query}: ${word}`, "data-query": pair.query, "data-nodes": JSON.stringify([...treatment, ...outcome]) },
      pair.sign,
    );
  });
  return h("tr", {}, h("th", { scope: "row" }, treatment.join(", ")), ...cells);
}

/** One stop for the tab key; arrows walk from cell to cell, Enter and a click choose. */
function walkable(grid: HTMLTableElement, choose: (cell: HTMLElement) => void): void {
  grid.querySelector<HTMLElement>("td[data-query]")?.setAttribute("tabindex", "0");
  const cellOf = (target: EventTarget | null): HTMLTableCellElement | null =>
    target instanceof Element ? target.closest<HTMLTableCellElement>("td[data-query]") : null;
  grid.addEventListener("click", (event) => {
    const cell = cellOf(event.target);
    if (cell) choose(cell);
  });
  grid.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") choose(cell);
    else if (!walk(grid, cell, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

const WAYS: { readonly [key: string]: readonly [number, number] } = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
};

function walk(grid: HTMLTableElement, from: HTMLTableCellElement, key: string): boolean {
  const way = WAYS[key];
  if (!way) return false;
  const rows = [...grid.tBodies].flatMap((body) => [...body.rows]);
  let y = rows.findIndex((each) => each === from.parentElement);
  let x = from.cellIndex;
  for (;;) {
    [y, x] = [y + way[0], x + way[1]];
    const cell = rows[y]?.cells[x];
    if (!cell || x < 1) return true;
    if (cell.dataset.query === undefined) continue;
    from.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
    return true;
  }
}

function asked(store: Store, query: string | undefined): void {
  if (query === undefined) return;
  const { questions, active } = store.state;
  const there = questions.indexOf(query);
  if (there >= 0) return store.setQuestions(questions, there, false);
  store.setQuestions(questions.length === 0 ? [query] : questions.map((old, at) => (at === active ? query : old)), active);
}

function lightPair(store: Store, target: EventTarget | null): void {
  const cell = target instanceof Element ? target.closest<HTMLElement>("td[data-nodes]") : null;
  store.light("pair", cell ? { nodes: JSON.parse(cell.dataset.nodes ?? "[]") as string[] } : null);
}
