/** How far a fit is, block by block, with the time that is left. */

import type { FitState } from "../served.js";
import { h } from "./dom.js";

export class Progress {
  private readonly bar = h("progress", { max: 1, "aria-label": "How far the fit is" });
  private readonly words = h("p");
  private readonly blocks = h("ul", { class: "quiet" });
  readonly root = h("div", { class: "progress", id: "fit-progress", hidden: true }, this.bar, this.words, this.blocks);

  private told: { readonly fit: FitState; readonly at: number } | null = null;

  constructor() {
    // Between two reports of the server the clock goes on.
    window.setInterval(() => this.told && this.say(this.told.fit, (performance.now() - this.told.at) / 1000), 1000);
  }

  show(fit: FitState | null): void {
    this.root.hidden = fit?.state !== "running";
    this.told = fit && !this.root.hidden ? { fit, at: performance.now() } : null;
    if (!this.told) return;
    const { blocks, share, step } = this.told.fit;
    if (blocks.length > 0 && step === null) this.bar.value = share;
    else this.bar.removeAttribute("value");
    this.say(this.told.fit, 0);
    this.blocks.replaceChildren(
      ...blocks.map(({ name, share, state }) => h("li", {}, `${name}: ${state === "running" ? `${Math.round(100 * share)} %` : state}`)),
    );
  }

  /** How far it is, `since` seconds after that was told. */
  private say({ blocks, share, left, seconds, step }: FitState, since: number): void {
    const spent = duration(seconds + since);
    const rest = left === null ? null : Math.max(left - since, 0);
    const words = rest === null ? `, ${spent} so far` : rest < 1 ? ", a moment left" : `, about ${duration(rest)} left`;
    // Rounded up to all of it, it would stand there as done.
    const percent = Math.min(99, Math.round(100 * share));
    this.words.textContent = step ? `${step} … ${spent} so far` : blocks.length > 0 ? `${percent} %${words}` : `Preparing … ${spent}`;
  }
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
