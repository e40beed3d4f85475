/** Formulas by KaTeX, in which every node is something to point at. */

import katex from "katex";

import type { Formula } from "../contract.js";
import type { Store } from "../store.js";
import { h } from "./dom.js";

/**
 * A formula whose nodes light in the drawing when a pointer is on them. `nodes` are those that its marks number; what
 * KaTeX cannot set is shown as text. The marks are the only commands of `\html…` that are followed.
 */
export function formula(store: Store, { text, marked }: Pick<Formula, "text" | "marked">, nodes: readonly string[]): HTMLElement {
  const made = h("div", { class: "formula wide", tabindex: 0, role: "math", "aria-label": text });
  try {
    // Set as in a display, and broken over lines where it is too wide, as displays are not.
    katex.render(`\\displaystyle ${unbroken(marked)}`, made, {
      output: "html",
      throwOnError: true,
      strict: "ignore",
      trust: (context) => context.command === "\\htmlData",
    });
  } catch {
    made.replaceChildren(h("code", {}, text));
  }
  made.addEventListener("pointermove", (event) => lightUp(store, made, markAt(made, event), nodes));
  made.addEventListener("pointerleave", () => lightUp(store, made, null, nodes));
  return made;
}

/** No line ends inside a factor: behind its bar, behind a value that is set. `\mathrel{=}` stays a place for one. */
function unbroken(latex: string): string {
  return latex.replaceAll("\\mid", "\\mid\\nobreak").replaceAll(" = ", " =\\nobreak ");
}

/** The mark under the pointer. KaTeX lays the parts of a fraction over each other, so that it need not be on top. */
function markAt(made: HTMLElement, { clientX, clientY }: PointerEvent): string | null {
  const found = document.elementsFromPoint(clientX, clientY).find((each) => each.hasAttribute("data-node") && made.contains(each));
  return found?.getAttribute("data-node") ?? null;
}

/** Light a node in the drawing and wherever it stands in the formula. */
function lightUp(store: Store, made: HTMLElement, mark: string | null, nodes: readonly string[]): void {
  const name = mark === null ? undefined : nodes[Number(mark)];
  const now = store.state.lit.hover?.nodes?.[0];
  if (name === now) return;
  for (const each of made.querySelectorAll("[data-node]")) each.classList.toggle("is-lit", each.getAttribute("data-node") === mark);
  store.light("hover", name === undefined ? null : { nodes: [name] });
}
