/** How far a fit is, block by block, with the time that is left. */

import type { FitState } from "../served.js";
import { h } from "./dom.js";

export class Progress {
  private readonly bar = h("progress", { max: 1, "aria-label": "How far the fit is" });
  private readonly words = h("p", { role: "status" });
  private readonly blocks = h("ul", { class: "quiet" });
  readonly root = h("div", { class: "progress", id: "fit-progress", hidden: true }, this.bar, this.words, this.blocks);

  show(fit: FitState | null): void {
    this.root.hidden = fit?.state !== "running";
    if (!fit || this.root.hidden) return;
    const begun = fit.blocks.length > 0;
    if (begun) this.bar.value = fit.share;
    else this.bar.removeAttribute("value");
    const left = fit.left === null ? "" : `, about ${duration(fit.left)} left`;
    this.words.textContent = begun ? `${Math.round(100 * fit.share)} %${left}` : `Preparing … ${duration(fit.seconds)}`;
    this.blocks.replaceChildren(
      ...fit.blocks.map(({ name, share, state }) => h("li", {}, `${name}: ${state === "running" ? `${Math.round(100 * share)} %` : state}`)),
    );
  }
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
