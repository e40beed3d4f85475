/** What data could contradict: what the graph says must be independent, and what else it forbids. */

import type { ImplicationsReply, Independence } from "../contract.js";
import type { Store } from "../store.js";
import { messageOf } from "./waiting.js";
import { claims } from "./claims.js";
import { folded, h } from "./dom.js";
import { formula } from "./formula.js";
import { Latest } from "./latest.js";

const PAUSE = 200;

export function implications(store: Store): HTMLElement {
  const place = h("div", { class: "folded-body" });
  const details = h(
    "details",
    { class: "folded", "data-fold": "implications" },
    h("summary", {}, "What data could contradict"),
    place,
  );
  let shown = "";
  const latest = new Latest<ImplicationsReply>(
    PAUSE,
    (reply) => place.replaceChildren(...parts(store, reply)),
    (error) => place.replaceChildren(h("p", { class: "fault" }, messageOf(error))),
  );
  const consider = (): void => {
    const { reading, text } = store.state;
    const key = reading?.canonical ?? "";
    if (!details.open || !reading || key === shown) return;
    shown = key;
    latest.ask((signal) => store.bridge.call("implications", { text }, signal));
  };
  details.addEventListener("toggle", consider);
  store.subscribe((_, changed) => {
    if (changed.has("reading")) consider();
  });
  return details;
}

function parts(store: Store, reply: ImplicationsReply): Node[] {
  const basis = reply.basis_complete ? reply.basis : reply.independences;
  const made: Node[] = [];
  if (basis.length > 0) {
    made.push(h("p", {}, 
        basis.some(({ given }) => given.length > 0)
          ? "These must be independent, each given what stands behind the bar. All other independences follow from them."
          : "These must be independent. All other independences follow from them.",
      ));
    made.push(h("ul", { class: "independences" }, ...basis.map((each) => row(store, each))));
  }
  for (const { formula: text, marked, free_of } of reply.verma)
    made.push(h("div", {}, formula(store, { text, marked }, reply.nodes), h("p", {}, `does not depend on ${free_of.join(", ")}.`)));
  for (const each of reply.inequalities) made.push(h("p", {}, `${each.text}, if ${each.treatment} has levels.`));
  if (basis.length + reply.verma.length + reply.inequalities.length === 0)
    made.push(h("p", {}, "Nothing: any table of these columns agrees with the graph."));
  else made.push(claims(store));
  made.push(folded("All of it, in words", (body) => body.append(h("pre", { class: "said" }, reply.text))));
  return made;
}

function row(store: Store, each: Independence): HTMLElement {
  const made = h("li", { tabindex: 0 }, each.text);
  const light = (): void => store.light("pair", { nodes: [...each.first, ...each.second, ...each.given] });
  const dim = (): void => store.light("pair", null);
  made.addEventListener("pointerenter", light);
  made.addEventListener("pointerleave", dim);
  made.addEventListener("focus", light);
  made.addEventListener("blur", dim);
  return made;
}
