/** What would be trained, before it is: which nodes together, by which engine; and the study file that says it. */

import type { PlanReply } from "../served.js";
import type { Store } from "../store.js";
import { folded, h } from "./dom.js";
import { Latest } from "./latest.js";
import { WORDS } from "./engine.js";
import type { Session } from "./session.js";
import { messageOf } from "./waiting.js";

const PAUSE = 600;

export class Plan {
  readonly root = h("div", { class: "folded-body is-plain", id: "fit-plan" });
  private shown = "";
  private readonly latest = new Latest<PlanReply>(
    PAUSE,
    (reply) => this.root.replaceChildren(...parts(reply, this.session.state.engine)),
    (error) => this.root.replaceChildren(h("p", { class: "fault" }, messageOf(error))),
  );

  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {
    store.subscribe((_, changed) => {
      if (changed.has("verdicts") || changed.has("reading")) this.consider();
    });
    session.subscribe(() => this.consider());
    this.consider();
  }

  private consider(): void {
    const { table } = this.session.state;
    const { reading, fault, behind } = this.store.state;
    if (table === null) return this.say("Bring a table first.");
    if (reading?.kind !== "model") return this.say("The text must be a model: each node with its family.");
    if (fault || behind) return;
    const study = this.session.study;
    const key = JSON.stringify([study, table.name, table.rows]);
    if (key === this.shown) return;
    if (this.root.querySelector("details") === null) this.say("Looking at what would be trained …");
    this.shown = key;
    this.latest.ask((signal) => this.session.call<PlanReply>("plan", study, signal));
  }

  private say(words: string): void {
    this.latest.cancel();
    this.shown = "";
    this.root.replaceChildren(h("p", { class: "quiet" }, words));
  }
}

function parts({ engine, rows, blocks, study }: PlanReply, name: string): Node[] {
  const row = ({ nodes, latent }: PlanReply["blocks"][number]): HTMLElement =>
    h("li", {}, nodes.join(", "), latent.length > 0 && h("span", { class: "quiet" }, ` with ${latent.join(", ")} unmeasured`));
  const groups = blocks.length === 1 ? "all nodes trained together" : `${blocks.length} groups of nodes, each trained by itself`;
  return [
    h("p", { title: engine }, `The plan: ${rows.toLocaleString("en")} rows; ${groups}. The engine is ${WORDS[name] ?? name}.`),
    h("ul", { class: "quiet" }, ...blocks.map(row)),
    folded("The study file", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, study))),
  ];
}
