/** Two models that agree on everything that is measured and differ in the answer: why a no is a no. */

import type { WitnessReply, WitnessRequest } from "../contract.js";
import type { Store } from "../store.js";
import { fill } from "./waiting.js";
import { folded, h, table } from "./dom.js";

export function witness(store: Store, asked: WitnessRequest, place: HTMLElement, signal: AbortSignal): void {
  void fill(place, store.bridge.call("witness", asked, signal), parts, signal);
}

function parts(reply: WitnessReply): Node[] {
  const { models, values, observed } = reply;
  const names = Object.keys(models[0].mechanisms);
  const rows = names.map((name) => [name, ...models.map((model) => (model.mechanisms[name] ?? []).join("; "))]);
  const coins = Object.entries(reply.coins).map(([coin, { ends, probability }]) => [coin, ends.join(" and "), probability]);
  const law = observed.rows.map((row) => [row.values.join(" "), row.probability]);
  return [
    table("What they disagree on", ["", "model 1", "model 2"], [[reply.asked, ...values]]),
    table("How each value comes about (every bit is 0 or 1, sums are modulo 2)", ["node", "model 1", "model 2"], rows),
    table("Coins that nobody measures", ["coin", "is behind", "shows 1 with probability"], coins),
    table(`P(${observed.names.join(", ")}), the same in both`, [observed.names.join(" "), "probability"], law),
    observed.cut > 0 ? h("p", { class: "quiet" }, `${observed.cut} more rows are not shown.`) : h("span", { hidden: true }),
    h("p", { class: "check" }, reply.checked ? "✓ Checked in exact fractions." : "✗ The check failed."),
    folded("The same in words", (body) => body.append(h("pre", { class: "wide", tabindex: 0 }, reply.text))),
  ];
}
