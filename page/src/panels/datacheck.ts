/** What a check of the table says: cautions and proposals, column by column; of a graph, whether its claims hold. */

import { isLost } from "../bridge.js";
import type { CheckReply } from "../served.js";
import type { Store } from "../store.js";
import { folded, h } from "./dom.js";
import { Latest } from "./latest.js";
import type { Session } from "./session.js";
import { messageOf } from "./waiting.js";

const PAUSE = 400;

export class DataCheck {
  readonly root = h("div", { class: "folded-body is-plain", id: "data-check" });
  private shown = "";
  private readonly latest = new Latest<CheckReply>(
    PAUSE,
    (reply) => this.root.replaceChildren(...parts(reply)),
    (error) => {
      if (isLost(error)) this.shown = ""; // asked again once the server answers
      this.root.replaceChildren(h("p", { class: "fault" }, messageOf(error)));
    },
  );

  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {
    store.subscribe((_, changed) => {
      if (changed.has("reading") || changed.has("fault")) this.consider();
    });
    session.subscribe((_, changed) => {
      if (changed.has("table") || changed.has("missing") || changed.has("do")) this.consider();
    });
    this.consider();
  }

  private consider(): void {
    const { table, missing } = this.session.state;
    const { reading, text, fault } = this.store.state;
    this.root.hidden = table === null || reading === null || reading.nodes.length === 0;
    if (this.root.hidden || fault || !reading) return;
    const key = JSON.stringify([reading.canonical, table, missing, this.session.state.do]);
    if (key === this.shown) return;
    this.shown = key;
    const request = { text, queries: [], missing, do: this.session.state.do };
    this.latest.ask((signal) => this.session.call<CheckReply>("check", request, signal));
  }
}

function parts({ of, cautions, text, report }: CheckReply): Node[] {
  const columns = Object.entries(cautions);
  const list = columns.flatMap(([column, sentences]) =>
    sentences.map((sentence) => h("li", {}, column && h("strong", {}, `${column} `), sentence)),
  );
  const word = of === "graph" ? `The table and the graph: ${String(report["word"] ?? "")}.` : "The table fits the model's families.";
  return [
    h("h3", {}, "What the check says"),
    list.length > 0 ? h("ul", { class: "caution" }, ...list) : h("p", {}, word),
    folded("All of it", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, text))),
  ];
}
