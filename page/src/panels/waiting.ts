/** A place in a pane that waits for what Python says. */

import { BridgeError } from "../bridge.js";
import { h } from "./dom.js";

/** Fill a place with what comes, or with why nothing came. What was asked for an older text is dropped. */
export async function fill<Reply>(
  place: HTMLElement,
  coming: Promise<Reply>,
  build: (reply: Reply) => readonly (Node | string)[],
  signal?: AbortSignal,
): Promise<void> {
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(h("p", { class: "quiet" }, "…"));
  try {
    const reply = await coming;
    if (!signal?.aborted) place.replaceChildren(...build(reply));
  } catch (error) {
    if (!signal?.aborted) place.replaceChildren(h("p", { class: "fault" }, messageOf(error)));
  } finally {
    if (!signal?.aborted) place.removeAttribute("aria-busy");
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof BridgeError) return error.fault.message;
  return error instanceof Error ? error.message : String(error);
}
