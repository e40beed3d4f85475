// Puts the page together.

import { openBridge } from "./bridge.js";
import { h } from "./panels/dom.js";
import { PANES } from "./panels/index.js";
import { Store } from "./store.js";

function main(): void {
  const store = new Store(openBridge());
  const side = document.getElementById("side") as HTMLElement;
  for (const pane of PANES) {
    if (pane.served && !store.bridge.served) continue;
    const root = h("div", { class: "pane-body" });
    side.append(
      h("section", { id: pane.id, class: "pane", "aria-labelledby": `${pane.id}-title` }, h("h2", { id: `${pane.id}-title` }, pane.title), root),
    );
    pane.mount(root, store);
  }
  store.open({ text: "X -> M -> Y\nX <-> Y\n", questions: ["P(Y | do(X))"] });
  Object.assign(window, { latentdo: { store } }); // for tests and the curious
}

main();
