/** The usual questions, written from nodes that are chosen in lists or clicked in the drawing. */

import type { State, Store } from "../store.js";
import { button, h } from "./dom.js";
import { TEMPLATES, type Asked } from "./wording.js";

type Part = "treatment" | "outcome" | "given";
const PARTS: readonly Part[] = ["treatment", "outcome", "given"];
const LABELS: { readonly [part in Part]: string } = { treatment: "Treatment", outcome: "Outcome", given: "Known" };

export class Templates {
  readonly root: HTMLElement;
  private readonly lists: { readonly [part in Part]: HTMLSelectElement };
  private picking: Part | null = null;
  private readonly pick: HTMLButtonElement;

  constructor(
    private readonly store: Store,
    private readonly write: (question: string) => void,
  ) {
    const list = (part: Part): HTMLSelectElement => h("select", { id: `question-${part}` });
    this.lists = { treatment: list("treatment"), outcome: list("outcome"), given: list("given") };
    const parts = PARTS.map((part) => h("div", { class: "field" }, h("label", { for: `question-${part}` }, LABELS[part]), this.lists[part]));
    this.pick = button("Pick in the drawing", () => this.aim(this.picking ? null : "treatment"), { "aria-pressed": "false" });
    const kinds = TEMPLATES.map((template) =>
      button(template.name, () => this.use(template.write), { title: template.says, "data-template": template.name }),
    );
    this.root = h(
      "div",
      { class: "templates" },
      h("div", { class: "row" }, ...parts, this.pick),
      h("div", { class: "row", role: "group", "aria-label": "Write the usual question" }, ...kinds),
    );
    store.subscribe((state, changed) => {
      if (changed.has("reading") || changed.has("verdicts")) this.fill(state);
      if (changed.has("selection") && this.picking) this.picked(state.selection.nodes);
    });
    this.fill(store.state);
  }

  /** What is chosen follows the question in hand, as far as it has such nodes. */
  private fill(state: State): void {
    const names = (state.reading?.nodes ?? []).filter((node) => !node.latent).map((node) => node.name);
    const roles = this.store.roles;
    for (const part of PARTS) {
      const list = this.lists[part];
      const asked = names.find((name) => roles.get(name) === part) ?? list.value;
      const offered = part === "given" ? ["", ...names] : names;
      if ([...list.options].map((option) => option.value).join("\n") !== offered.join("\n"))
        list.replaceChildren(...offered.map((name) => h("option", { value: name }, name || "nothing")));
      list.value = offered.includes(asked) ? asked : (offered[part === "outcome" ? offered.length - 1 : 0] ?? "");
    }
  }

  private use(write: (typeof TEMPLATES)[number]["write"]): void {
    const [treatment, outcome, given] = PARTS.map((part) => this.asked(this.lists[part].value));
    if (treatment && outcome) this.write(write({ treatment, outcome, given: given ?? null }));
  }

  private asked(name: string): Asked | null {
    const node = this.store.state.reading?.nodes.find((each) => each.name === name);
    return node ? { name, levels: node.levels } : null;
  }

  private aim(part: Part | null): void {
    this.picking = part;
    this.pick.textContent = part ? `Click the ${part} …` : "Pick in the drawing";
    this.pick.setAttribute("aria-pressed", String(part !== null));
    if (part) this.store.select([]);
  }

  private picked(nodes: readonly string[]): void {
    const name = nodes[0];
    const part = this.picking;
    if (!part || name === undefined) return;
    this.lists[part].value = name;
    if (part === "treatment") return this.aim("outcome");
    this.aim(null);
    const law = TEMPLATES[0];
    if (law) this.use(law.write);
  }
}
