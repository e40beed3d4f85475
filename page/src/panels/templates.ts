/** The usual questions, written from nodes that are chosen in lists or clicked in the drawing. */

import type { Role } from "../contract.js";
import type { State, Store } from "../store.js";
import { button, h } from "./dom.js";
import { Session } from "./session.js";
import { TEMPLATES, type Asked, type Roles, type Template } from "./wording.js";

const PARTS: readonly Role[] = ["treatment", "outcome", "given"];
const LABELS: { readonly [part in Role]: string } = { treatment: "Treatment", outcome: "Outcome", given: "Given" };

export class Templates {
  readonly root: HTMLElement;
  private readonly lists: { readonly [part in Role]: HTMLSelectElement };
  private picking: Role | null = null;
  private readonly pick: HTMLButtonElement;
  /** Says where the values in a question come from. */
  private readonly quantities: HTMLElement;
  /** What the lists said before the last choice: tells in which form the question stands. */
  private before: Roles | null = null;

  constructor(
    private readonly store: Store,
    private readonly write: (question: string) => void,
  ) {
    const list = (part: Role): HTMLSelectElement => {
      const made = h("select", { id: `question-${part}` });
      made.addEventListener("change", () => this.choose(part));
      return made;
    };
    this.lists = { treatment: list("treatment"), outcome: list("outcome"), given: list("given") };
    const parts = PARTS.map((part) => h("div", { class: "field" }, h("label", { for: `question-${part}` }, LABELS[part]), this.lists[part]));
    this.pick = button("Pick in the drawing", () => this.aim(this.picking ? null : "treatment"), { "aria-pressed": "false" });
    const kinds = TEMPLATES.map((template) =>
      button(template.name, () => this.use(template), { title: template.says, "data-template": template.name }),
    );
    this.quantities = h("p", { class: "quiet", hidden: true });
    this.root = h(
      "div",
      { class: "templates" },
      h("div", { class: "row" }, ...parts, this.pick),
      h("div", { class: "row", role: "group", "aria-label": "Write the usual question" }, ...kinds),
      this.quantities,
    );
    store.subscribe((state, changed) => {
      if (["reading", "verdicts", "draft", "active", "questions"].some((key) => changed.has(key as keyof State))) this.fill(state);
      if (changed.has("selection") && this.picking) this.picked(state.selection.nodes);
    });
    this.fill(store.state);
  }

  /** What is chosen follows the question in hand; what it does not say is not chosen. */
  private fill(state: State): void {
    const names = (state.reading?.nodes ?? []).filter((node) => !node.latent).map((node) => node.name);
    const known = this.isKnown(state);
    const roles = this.store.roles;
    for (const part of PARTS) {
      const list = this.lists[part];
      const asked = known ? (names.find((name) => roles.get(name) === part) ?? "") : list.value;
      const offered = ["", ...names];
      if ([...list.options].map((option) => option.value).join("\n") !== offered.join("\n"))
        list.replaceChildren(...offered.map((name) => h("option", { value: name }, name || (part === "given" ? "nothing" : "choose"))));
      list.value = offered.includes(asked) ? asked : "";
    }
    this.before = this.chosen;
    const { treatment } = this.before ?? {};
    this.quantities.hidden = !treatment?.quartiles;
    if (treatment?.quartiles) this.quantities.textContent = `Values of ${treatment.name} are quartiles of its column: ${treatment.quartiles.join(" and ")}. You can change them in the question.`;
  }

  /** Whether what the nodes are to the question of now is known; while Python still looks at it, the lists stay. */
  private isKnown({ draft, questions, active, verdicts }: State): boolean {
    const question = questions[active];
    return draft !== null || question === undefined || verdicts?.verdicts[active]?.asked === question;
  }

  /** A choice in a list; once there are a treatment and an outcome, the question is written in the form that it had. */
  private choose(part: Role): void {
    const name = this.lists[part].value;
    // A node has one part.
    for (const other of PARTS) if (other !== part && name !== "" && this.lists[other].value === name) this.lists[other].value = "";
    const roles = this.chosen;
    if (roles === null) {
      const taken = PARTS.filter((each) => this.lists[each].value !== "").map((each): [string, Role] => [this.lists[each].value, each]);
      this.store.set({ draft: new Map(taken) });
      return;
    }
    const { questions, active } = this.store.state;
    const before = this.before;
    const form = before && TEMPLATES.find((template) => template.write(before) === questions[active]);
    this.before = roles;
    this.use(form ?? TEMPLATES[0]);
  }

  private use(template: Template | undefined): void {
    const roles = this.chosen;
    if (roles && template) this.write(template.write(roles));
    else this.lists[this.lists.treatment.value === "" ? "treatment" : "outcome"].focus();
  }

  /** What the lists say; null until there are a treatment and an outcome. */
  private get chosen(): Roles | null {
    const [treatment, outcome, given] = PARTS.map((part) => this.asked(this.lists[part].value));
    return treatment && outcome ? { treatment, outcome, given: given ?? null } : null;
  }

  private asked(name: string): Asked | null {
    const node = this.store.state.reading?.nodes.find((each) => each.name === name);
    return node ? { name, levels: node.levels, quartiles: node.levels ? null : this.quartiles(name, node.family) } : null;
  }

  /** Of a column of numbers, short enough to be read in a question; of one with two values there is none. */
  private quartiles(name: string, family: string | null): [number, number] | null {
    if (!this.store.bridge.served || family === "bernoulli") return null;
    const column = Session.of(this.store).state.table?.columns.find((each) => each.name === name);
    if (!column?.quartiles || column.distinct < 3) return null;
    const [low, high] = column.quartiles.map((value) => Number(value.toPrecision(3))) as [number, number];
    return low < high ? [low, high] : null;
  }

  private aim(part: Role | null): void {
    this.picking = part;
    this.pick.textContent = part ? `Click the ${part} …` : "Pick in the drawing";
    this.pick.setAttribute("aria-pressed", String(part !== null));
    if (part) this.store.select([]);
  }

  private picked(nodes: readonly string[]): void {
    const name = nodes[0];
    const part = this.picking;
    if (!part || name === undefined || ![...this.lists[part].options].some((option) => option.value === name)) return;
    this.lists[part].value = name;
    this.aim(part === "treatment" ? "outcome" : null);
    this.choose(part);
  }
}
