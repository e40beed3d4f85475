/** What the question in hand gets: yes or no in words, the formula, the proof, and what would turn a no into a yes. */

import type { Verdict, VerdictRow } from "../contract.js";
import type { State, Store } from "../store.js";
import { lacking, rowsIn } from "../experiments.js";
import { button, h } from "./dom.js";
import { Folds } from "./folds.js";
import { formula } from "./formula.js";
import { measurements, otherForms } from "./leads.js";
import { proof } from "./proof.js";
import { remedies } from "./remedies.js";
import { standing } from "./standing.js";
import { witness } from "./witness.js";

const REASONS: readonly (keyof State)[] = ["verdicts", "active", "questions", "reading", "behind", "fault", "loading"];

export function mount(root: HTMLElement, store: Store): void {
  const folds = new Folds();
  const badge = h("p", { class: "verdict", role: "status" });
  const body = h("div", { class: "verdict-body" });
  const unread = h("p", { class: "caution", id: "answer-unread", hidden: true }, "The text of now cannot be read. This is the answer of the last readable text.");
  root.append(unread, badge, body);
  let shown = "";

  const show = (state: State): void => {
    const row = state.questions.length > 0 ? (state.verdicts?.verdicts[state.active] ?? null) : null;
    root.toggleAttribute("data-behind", state.behind || state.fault !== null);
    root.toggleAttribute("data-unread", state.fault !== null);
    unread.hidden = state.fault === null || row === null;
    if (state.behind && shown) return; // what stands there is older, and is marked so, until the new verdict comes
    // Only another verdict, or another graph under it, is worth building anew.
    const key = JSON.stringify([row, state.reading?.canonical, store.known, store.lacking, state.loading, state.questions.length === 0]);
    if (key === shown) return;
    shown = key;
    const verdict = row?.ok ? row : null;
    headline(badge, state, row);
    store.light("hedge", verdict?.lit ? { ...verdict.lit, core: verdict.lit.smaller } : null);
    store.light("hover", null);
    store.light("step", null);
    folds.renew();
    body.replaceChildren(...(verdict ? parts(store, verdict, folds) : []));
  };
  store.subscribe((state, changed) => {
    if (REASONS.some((key) => changed.has(key))) show(state);
  });
  show(store.state);
}

function headline(badge: HTMLElement, state: State, row: VerdictRow | null): void {
  const { name, sign, word } = standing(row);
  badge.className = `verdict is-${name}`;
  badge.dataset.verdict = name;
  const mark = h("span", { "aria-hidden": "true" }, `${sign} `);
  if (state.questions.length === 0) badge.replaceChildren("Ask something: choose a treatment and an outcome.");
  else if (!row) badge.replaceChildren(state.loading || "…");
  else if (!row.ok) badge.replaceChildren(mark, "This is not a question yet.");
  else {
    const says = row.identifiable ? "Yes, it" : "No, it";
    const rest = row.identifiable ? ` ${sourceOf(row)}.` : " from this graph. More rows would not help.";
    badge.replaceChildren(mark, h("strong", {}, `${says} ${word}`), rest);
    if (row.form) badge.append(" ", h("span", { class: "tag" }, row.form));
  }
}

/** What a yes rests on. */
function sourceOf({ form }: Verdict): string {
  if (!form?.includes("experiment")) return "from what is measured";
  return form.includes("experiment and formula") ? "from what is measured and an experiment" : "from an experiment";
}

function parts(store: Store, verdict: Verdict, folds: Folds): Node[] {
  const { text } = store.state;
  const asked = { text, query: verdict.asked, experiments: store.known };
  return verdict.identifiable ? [withoutRows(store, verdict), ...yes(store, verdict, folds, asked)] : no(store, verdict, folds, asked);
}

/** Where a yes needs an experiment that was added, and the table has no rows of it: no fit of the table gives that answer. */
function withoutRows(store: Store, verdict: Verdict): HTMLElement {
  const { tabled, active } = store.state;
  const row = tabled?.verdicts[active];
  const needed = row?.ok && !row.identifiable ? lacking(store.lacking, lacking(store.lacking, verdict.uses_experiments ?? [])) : [];
  const words = `The table has no ${needed.map(rowsIn).join(", and no ")}. A fit of this table cannot give this answer.`;
  return h("p", { class: "caution", id: "answer-without-rows", hidden: needed.length === 0 }, words);
}

type About = { text: string; query: string; experiments: string[][] };

function yes(store: Store, verdict: Verdict, folds: Folds, asked: About): Node[] {
  const made: Node[] = [];
  if (verdict.estimand && verdict.marked) {
    made.push(h("p", { class: "quiet" }, h("code", {}, verdict.query), " is"));
    made.push(formula(store, { text: verdict.estimand, marked: verdict.marked }, store.state.verdicts?.nodes ?? []));
    made.push(letters(verdict), copies(verdict));
  }
  made.push(h("p", {}, verdict.words));
  for (const note of verdict.notes ?? []) made.push(h("p", { class: "quiet" }, note));
  made.push(
    folds.fold("proof", "Proof, step by step", (place, signal) => proof(store, asked, place, signal)),
    folds.fold("forms", "Adjustment sets, front doors, instruments", (place, signal) => otherForms(store, asked, place, signal)),
    folds.fold("measurements", "What has to be measured", (place, signal) => measurements(store, asked, place, signal)),
  );
  return made;
}

function no(store: Store, verdict: Verdict, folds: Folds, asked: About): Node[] {
  return [
    h("p", {}, verdict.words),
    hedge(verdict),
    remedies(store, verdict),
    folds.fold("witness", "Two models that agree on all data and differ in the answer", (place, signal) =>
      witness(store, asked, place, signal),
    ),
    folds.fold("forms", "Adjustment sets, front doors, instruments", (place, signal) => otherForms(store, asked, place, signal)),
  ];
}

function hedge(verdict: Verdict): HTMLElement {
  const [larger, smaller] = verdict.hedge ?? [[], []];
  return h(
    "p",
    { class: "hedge", hidden: larger.length === 0 },
    h("span", { class: "tag is-no" }, "hedge"),
    ` {${larger.join(", ")}} around {${smaller.join(", ")}}, lit in the drawing`,
  );
}

/** What the letters of a formula stand for that abbreviate large sets. */
function letters(verdict: Verdict): HTMLElement {
  const rows = Object.entries(verdict.sets).map(([letter, names]) => h("li", {}, `${letter} = {${names.join(", ")}}`));
  return h("ul", { class: "quiet", hidden: rows.length === 0 }, ...rows);
}

function copies(verdict: Verdict): HTMLElement {
  const copy = (label: string, text: string | null): HTMLButtonElement => {
    const made = button(label, () => {
      void navigator.clipboard.writeText(text ?? "").then(
        () => (made.textContent = "Copied"),
        () => (made.textContent = "This browser does not let the page copy"),
      );
      window.setTimeout(() => (made.textContent = label), 2000);
    });
    return made;
  };
  return h("div", { class: "row is-small" }, copy("Copy as text", verdict.estimand), copy("Copy as LaTeX", verdict.latex));
}
