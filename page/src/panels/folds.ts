/** Parts that are folded away. Which are open is kept while what they say changes. */

import { folded } from "./dom.js";

type Build = (place: HTMLElement, signal: AbortSignal) => void;

export class Folds {
  private readonly open = new Set<string>();
  private running = new AbortController();

  /** Give up what older parts still wait for. */
  renew(): void {
    this.running.abort();
    this.running = new AbortController();
  }

  fold(name: string, title: string, build: Build): HTMLDetailsElement {
    const { signal } = this.running;
    const made = folded(title, (place) => build(place, signal), this.open.has(name));
    made.dataset.fold = name;
    made.addEventListener("toggle", () => {
      if (made.open) this.open.add(name);
      else this.open.delete(name);
    });
    return made;
  }
}
