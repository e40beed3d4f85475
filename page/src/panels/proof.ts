/** A proof, step by step: what is rewritten, what licenses it, and the graph with edges cut in which that can be seen. */

import type { CutGraph, Formula, ProofReply, ProofRequest, ProofStep, ProofTheorem } from "../contract.js";
import type { Store } from "../store.js";
import { fill } from "./waiting.js";
import { h } from "./dom.js";
import { formula } from "./formula.js";
import { picture, type PictureEdge } from "./picture.js";
import { pictureNodes } from "./places.js";

export function proof(store: Store, asked: ProofRequest, place: HTMLElement, signal: AbortSignal): void {
  void fill(place, store.bridge.call("proof", asked, signal), (reply) => parts(store, reply), signal);
}

function parts(store: Store, reply: ProofReply): Node[] {
  const all = reply.theorems.some(({ steps }) => steps.length > 0) ? "Every step was checked by a program that did not write the proof. " : "";
  const check = h(
    "p",
    { class: reply.check ? "check is-yes" : "check is-no" },
    h("span", { "aria-hidden": "true" }, reply.check ? "✓ " : "✗ "),
    reply.check ? all : "The check failed. ",
    h("span", { class: "quiet" }, reply.explain),
  );
  const lead = h("p", { class: "quiet" }, "Point at a step: the drawing shows the nodes that it speaks of, and the edges that it cuts.");
  return [lead, ...reply.theorems.flatMap((theorem) => chapter(store, theorem, reply)), check];
}

function chapter(store: Store, theorem: ProofTheorem, reply: ProofReply): Node[] {
  const steps = theorem.steps.map((step) => stepRow(store, step, reply));
  return [
    formula(store, joined(theorem.law, theorem.formula), reply.nodes),
    theorem.note ? h("p", { class: "quiet" }, theorem.note) : h("span", { hidden: true }),
    h("ol", { class: "steps" }, ...steps),
  ];
}

function joined(law: Formula, other: Formula): Pick<Formula, "text" | "marked"> {
  return { text: `${law.text} = ${other.text}`, marked: `${law.marked} \\mathrel{=} ${other.marked}` };
}

function stepRow(store: Store, step: ProofStep, reply: ProofReply): HTMLLIElement {
  const row = h(
    "li",
    { class: "step", tabindex: 0, "data-rule": step.rule },
    h("p", {}, h("strong", {}, step.rule), step.separation ? "" : `: ${step.words}`),
    formula(store, joined(step.part, step.becomes), reply.nodes),
  );
  if (step.part.text !== step.before.text) {
    row.append(h("p", { class: "quiet" }, "so that what is asked is now"), formula(store, step.after, reply.nodes));
  }
  if (step.separation) row.append(cutPicture(store, step.graph, step.separation.text));
  const light = (): void => store.light("step", lit(step));
  const dim = (): void => store.light("step", null);
  row.addEventListener("pointerenter", light);
  row.addEventListener("pointerleave", dim);
  row.addEventListener("focusin", light);
  row.addEventListener("focusout", dim);
  return row;
}

function cutPicture(store: Store, graph: CutGraph, separation: string): HTMLElement {
  const edges: PictureEdge[] = graph.edges.map((edge) => ({ ...edge, gone: edge.cut }));
  const gone = graph.edges.filter((edge) => edge.cut).map((edge) => `${edge.tail} ${edge.kind} ${edge.head}`);
  const says = `${graph.label}. ${gone.length > 0 ? `Cut: ${gone.join(", ")}.` : "Nothing is cut."} There ${separation}.`;
  return h(
    "figure",
    {},
    picture(pictureNodes(store, graph.nodes, edges), edges, says),
    h("figcaption", {}, `${separation} in ${graph.label}`),
  );
}

function lit(step: ProofStep): { nodes: string[]; cut: CutGraph["edges"] } {
  const { separation } = step;
  return {
    nodes: separation ? [...separation.first, ...separation.second, ...separation.given] : [],
    cut: step.graph.edges.filter((edge) => edge.cut),
  };
}
