/** What would be trained, before it is: which nodes together, by which engine; and the study file that says it. */

import { isLost } from "../bridge.js";
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
  /** Whether what would be trained cannot be. */
  refused = false;
  private shown = "";
  private readonly latest = new Latest<PlanReply>(
    PAUSE,
    (reply) => this.found(parts(reply, this.session.state.engine), false),
    (error) => {
      const lost = isLost(error);
      if (lost) this.shown = ""; // asked again once the server answers
      this.found([h("p", { class: "fault" }, messageOf(error))], !lost);
    },
  );

  constructor(
    private readonly store: Store,
    private readonly session: Session,
    private readonly told: () => void,
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
    if (fault) return;
    if (behind) return this.root.querySelector("details, .fault") === null ? this.say("Looking at what would be trained …") : undefined;
    const study = this.session.study;
    const key = JSON.stringify([study, table.name, table.rows]);
    if (key === this.shown) return;
    if (this.root.querySelector("details") === null) this.say("Looking at what would be trained …");
    this.shown = key;
    this.latest.ask((signal) => this.session.call<PlanReply>("plan", study, signal));
  }

  private found(parts: readonly Node[], refused: boolean): void {
    this.root.replaceChildren(...parts);
    if (this.refused === refused) return;
    this.refused = refused;
    this.told();
  }

  private say(words: string): void {
    this.latest.cancel();
    this.shown = "";
    this.refused = false;
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
