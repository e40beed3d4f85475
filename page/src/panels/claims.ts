/** What the graph says of the table, tested: each claim with what the rows say to it. */

import type { Reading } from "../contract.js";
import { typed, typedEdge } from "../names.js";
import type { CheckReply } from "../served.js";
import type { Store } from "../store.js";
import { number } from "./columns.js";
import { button, folded, h, table } from "./dom.js";
import { Session } from "./session.js";
import { fill } from "./waiting.js";

/** One claim, as the check of a graph reports it. */
interface Claim {
  readonly what: string;
  readonly word: string;
  readonly p: number | null;
  readonly adjusted: number | null;
  readonly effect: number | null;
  readonly scale: string | null;
}

/** A button that tests the claims, where there is a table. */
export function claims(store: Store): HTMLElement {
  if (!store.bridge.served) return h("p", { class: "quiet" }, "With a table, latentdo serve tests each of these.");
  const session = Session.of(store);
  const place = h("div", { class: "folded-body is-plain", id: "claims" });
  const test = (): void => {
    const { reading } = store.state;
    if (!reading) return;
    void fill(place, session.call<CheckReply>("check", { text: arrows(reading), queries: [] }), parts);
  };
  const start = button("Test them against the table", test);
  const none = h("p", { class: "quiet" }, "With a table, each of these is tested.");
  const show = (): void => {
    start.hidden = session.state.table === null;
    none.hidden = !start.hidden;
  };
  session.subscribe((_, changed) => {
    if (changed.has("table")) show();
  });
  show();
  return h("div", { class: "folded-body is-plain" }, h("div", { class: "row" }, start), none, place);
}

/** The graph alone, whatever families its text names. */
function arrows({ nodes, edges }: Reading): string {
  const names = nodes.map(({ name, latent }) => (latent ? `latent ${typed(name)}` : typed(name)));
  return [...names, ...edges.map(typedEdge)].join("\n");
}

function parts({ report, text }: CheckReply): Node[] {
  const found = (report["rows"] ?? []) as Claim[];
  const rows = found.map(({ what, word, p, adjusted, effect, scale }) => [
    what,
    h("span", { class: word === "contradicted" ? "wrong" : "" }, word),
    p === null ? "" : number(p, 2),
    adjusted === null ? "" : number(adjusted, 2),
    effect === null ? "" : `${number(effect, 2)} ${scale ?? ""}`,
  ]);
  const word = h("p", {}, "The rows say: ", h("strong", {}, String(report["word"] ?? "")), ".");
  const all = folded("All of it", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, text)));
  if (rows.length === 0) return [word, all];
  return [word, table("Each claim with its test", ["claim", "word", "p", "after Holm", "effect"], rows), all];
}
