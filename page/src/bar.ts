// The bar on top: undo and redo, graphs in and out, light and dark.

import type { Drawing } from "./drawing/canvas.js";
import { EXAMPLES } from "./examples.js";
import { button, h } from "./panels/dom.js";
import type { Store } from "./store.js";
import { chooseFile, menu, WAYS } from "./transfer.js";

export function mountBar(root: HTMLElement, store: Store, drawing: Drawing): void {
  const undo = button("↶", () => store.undo(), { class: "tool", "aria-label": "Undo", title: "Undo (Ctrl Z)" });
  const redo = button("↷", () => store.redo(), { class: "tool", "aria-label": "Redo", title: "Redo (Ctrl Shift Z)" });
  const loading = h("span", { class: "loading", role: "status" });
  root.append(
    h("h1", {}, "latentdo"),
    h("span", { class: "group" }, undo, redo),
    menu("Examples", EXAMPLES.map((example) => ({ title: example.title, run: () => store.open(example) }))),
    button("New", () => store.open({ text: "" }), { title: "An empty graph; undo brings this one back" }),
    button("Open", () => chooseFile(store), { title: "A graph, model or study: dagitty, DOT, lavaan, BIF, SIF, GraphML, … Or paste it, or drop it on the drawing." }),
    menu("Export", WAYS.map(({ title, make }) => ({ title, run: () => void make(store, drawing).catch((error) => store.complain(error)) }))),
    loading,
    themeSwitch(() => drawing.repaint()),
  );
  const show = (): void => {
    undo.disabled = !store.canUndo;
    redo.disabled = !store.canRedo;
  };
  store.subscribe(({ loading: words }, changed) => {
    show();
    if (changed.has("loading")) loading.textContent = words;
  });
  loading.textContent = store.state.loading;
  show();
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const { target } = event;
    // Fields other than the text have a history of their own.
    if (target instanceof HTMLInputElement && target.type !== "checkbox") return;
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) store.redo();
    else store.undo();
  });
}

function themeSwitch(changed: () => void): HTMLElement {
  const root = document.documentElement;
  const isDark = (): boolean => {
    const chosen = root.dataset["theme"];
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const show = (): void => {
    made.textContent = isDark() ? "☀" : "☾";
    made.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
    made.title = made.getAttribute("aria-label") ?? "";
  };
  const made = button("", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset["theme"] = theme;
    try {
      localStorage.setItem("latentdo-theme", theme);
    } catch {
      // storage may be switched off: the choice then lasts as long as the page
    }
    show();
    changed();
  }, { class: "tool theme" });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return made;
}
