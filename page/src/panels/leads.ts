/** What else there is to say of a question: what has to be measured for it, and its forms. */

import type { FormsReply, FormsRequest, MeasurementsReply, MeasurementsRequest } from "../contract.js";
import type { Store } from "../store.js";
import { fill } from "./waiting.js";
import { h } from "./dom.js";

export function measurements(store: Store, asked: MeasurementsRequest, place: HTMLElement, signal: AbortSignal): void {
  void fill(place, store.bridge.call("measurements", asked, signal), measured, signal);
}

export function otherForms(store: Store, { text, query }: FormsRequest, place: HTMLElement, signal: AbortSignal): void {
  void fill(place, store.bridge.call("forms", { text, query }, signal), forms, signal);
}

function measured(reply: MeasurementsReply): Node[] {
  return [h("pre", { class: "said" }, reply.text)];
}

function forms(reply: FormsReply): Node[] {
  return [h("pre", { class: "said" }, reply.text)];
}
