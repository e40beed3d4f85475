import type { Store } from "../store.js";

export function mount(root: HTMLElement, store: Store): void {
  void root;
  void store;
}
