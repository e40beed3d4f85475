// Graphs of other programs in, and what is on the page out.

import { h, button } from "./panels/dom.js";
import type { Drawing } from "./drawing/canvas.js";
import { placesOf } from "./dagitty.js";
import { pngOf, svgOf } from "./drawing/picture.js";
import { notify } from "./notices.js";
import type { Store } from "./store.js";

const LARGEST = 20_000_000;
/** What a report calls the text of a page. */
const OURS = new Set(["text", "arrows", "a model"]);

/** Take a graph, a model or a study in any format; false where nobody can read it, which is told. */
export async function importText(store: Store, content: string, name?: string): Promise<boolean> {
  try {
    const found = await store.bridge.call("import", { content, ...(name !== undefined && { name }) });
    const text = found.text.endsWith("\n") ? found.text : `${found.text}\n`;
    const { report } = found;
    store.open({ text, questions: found.queries, ...(report.format === "dagitty" && { places: placesOf(content) }) });
    const doubtful = [report.dropped, report.unsigned, report.contradictory, report.cycles, report.broken, report.doubts].some((list) => list.length > 0);
    if (!OURS.has(report.format) || doubtful)
      notify(`Read ${name ?? "the text"}: ${count(report.nodes, "node")}, ${count(report.edges, "edge")}.${doubtful ? " Not all of it is in the graph." : ""}`, "note", report.text);
    return true;
  } catch (error) {
    store.complain(error);
    if (store.bridge.served && /\.(csv|tsv|txt|parquet|xlsx?)$/i.test(name ?? "")) notify('A table of data belongs into the pane "Table".');
    return false;
  }
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** The questions that can be read. */
function readable({ state }: Store): string[] {
  return state.questions.filter((_, at) => state.verdicts?.verdicts[at]?.ok);
}

export async function importFile(store: Store, file: File): Promise<boolean> {
  if (file.size > LARGEST) {
    notify(`${file.name} has ${Math.round(file.size / 1e6)} MB; a graph has at most ${LARGEST / 1e6}.`, "fault");
    return false;
  }
  return importText(store, await file.text(), file.name);
}

/** A dialog to open a file. */
export function chooseFile(store: Store): void {
  const field = h("input", { type: "file" });
  field.addEventListener("change", () => {
    const [file] = field.files ?? [];
    if (file) void importFile(store, file);
  });
  field.click();
}

/** Files dropped on the graph, and texts pasted while no field has the focus. */
export function takeDrops(root: HTMLElement, store: Store): void {
  root.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("is-target");
  });
  root.addEventListener("dragleave", (event) => {
    if (!(event.relatedTarget instanceof Node && root.contains(event.relatedTarget))) root.classList.remove("is-target");
  });
  root.addEventListener("drop", (event) => {
    root.classList.remove("is-target");
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    void importFile(store, file);
  });
  // A file dropped beside would open in the place of the page.
  for (const kind of ["dragover", "drop"])
    window.addEventListener(kind, (event) => {
      if (!event.defaultPrevented && (event as DragEvent).dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  document.addEventListener("paste", (event) => {
    const { target } = event;
    if (target instanceof Element && target.closest("input, textarea, select, dialog")) return;
    const content = event.clipboardData?.getData("text/plain") ?? "";
    if (content.trim() === "") return;
    event.preventDefault();
    void importText(store, content);
  });
}

interface Way {
  readonly title: string;
  readonly make: (store: Store, drawing: Drawing) => Promise<void>;
}

const exported = (title: string, format: string): Way => ({
  title,
  make: async (store) => {
    const { text } = store.state;
    const file = await store.bridge.call("export", { text, format, queries: readable(store) });
    save(new Blob([file.content], { type: file.media_type }), file.name);
    const lost = file.report?.text;
    if (lost) notify(`${file.name} does not hold everything.`, "note", lost);
  },
});

const drawn = (title: string, format: "tikz" | "mermaid"): Way => ({
  title,
  make: async (store) => {
    const { text, questions, active, verdicts } = store.state;
    const query = verdicts?.verdicts[active]?.ok ? questions[active] : undefined;
    const file = await store.bridge.call("draw", { text, format, ...(query !== undefined && { query }) });
    save(new Blob([file.content], { type: file.media_type }), file.name);
  },
});

export const WAYS: readonly Way[] = [
  { title: "Copy the link", make: copyLink },
  { title: "Text", make: async (store) => save(new Blob([store.state.text], { type: "text/plain" }), "graph.txt") },
  exported("Study file (YAML)", "study"),
  exported("dagitty", "dagitty"),
  exported("DOT (Graphviz)", "dot"),
  exported("lavaan (R)", "lavaan"),
  { title: "SVG, as drawn here", make: async (_, drawing) => save(new Blob([svgOf(drawing)], { type: "image/svg+xml" }), "graph.svg") },
  { title: "PNG, as drawn here", make: async (_, drawing) => save(await pngOf(drawing), "graph.png") },
  drawn("TikZ (LaTeX)", "tikz"),
  drawn("Mermaid", "mermaid"),
];

async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    notify("The link is copied. It holds the text and the questions.");
  } catch {
    notify("The browser does not let the page copy. The link is the address of this page: copy it from there.", "fault");
  }
}

function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A button that opens a list of things to do. */
export function menu(label: string, items: readonly { readonly title: string; readonly run: () => void }[]): HTMLElement {
  const list = h("div", { class: "menu-list", role: "menu" });
  const opener = h("summary", { "aria-haspopup": "menu" }, label);
  const made = h("details", { class: "menu" }, opener, list);
  for (const { title, run } of items) {
    list.append(
      button(title, () => {
        made.open = false;
        opener.focus();
        run();
      }, { role: "menuitem" }),
    );
  }
  made.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && made.open) {
      made.open = false;
      opener.focus();
    }
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || !made.open) return;
    event.preventDefault();
    const all = [...list.children] as HTMLElement[];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + step + all.length) % all.length]?.focus();
  });
  made.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node && made.contains(event.relatedTarget))) made.open = false;
  });
  return made;
}
