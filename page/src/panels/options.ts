/** How a fit is asked: the level of intervals, the seed, and what is asked besides. */

import { h } from "./dom.js";

export class Asking {
  private readonly level = h("select", { id: "ask-level" }, ...["0.5", "0.8", "0.9", "0.95", "0.99"].map((each) => h("option", { value: each }, `${Math.round(100 * Number(each))} %`)));
  private readonly seed = h("input", { id: "ask-seed", type: "number", min: 0, step: 1, value: 0 });
  private readonly unidentified = h("input", { id: "ask-unidentified", type: "checkbox" });
  private readonly naive = h("input", { id: "ask-naive", type: "checkbox" });
  readonly root: HTMLElement;

  constructor() {
    this.level.value = "0.9";
    this.root = h(
      "div",
      { class: "row" },
      h("div", { class: "field" }, h("label", { for: "ask-level" }, "Intervals"), this.level),
      h("div", { class: "field is-short" }, h("label", { for: "ask-seed" }, "Seed"), this.seed),
      h("label", { class: "check-label" }, this.naive, "also what the data say without do( )"),
      h("label", { class: "check-label" }, this.unidentified, "also questions with the verdict no"),
    );
  }

  /** Whether questions with a no are asked too. */
  get allowed(): boolean {
    return this.unidentified.checked;
  }

  get common(): { level: number; seed: number } {
    return { level: Number(this.level.value), seed: Math.max(0, Math.round(Number(this.seed.value) || 0)) };
  }

  get request(): { level: number; seed: number; naive: boolean; allow_unidentified: boolean } {
    return { ...this.common, naive: this.naive.checked, allow_unidentified: this.allowed };
  }
}
