// Puts the page together.

import { mountBar } from "./bar.js";
import { openBridge } from "./bridge.js";
import { mountBoard } from "./drawing/board.js";
import { mountEditor } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { fromDisk, sayHow } from "./from_disk.js";
import { keepAddress, pack, unpack } from "./fragment.js";
import { mountTable } from "./nodetable.js";
import { announce, notify, putAway } from "./notices.js";
import { h } from "./panels/dom.js";
import { PANES } from "./panels/index.js";
import { Session } from "./panels/session.js";
import { Store } from "./store.js";
import { importText, takeDrops } from "./transfer.js";

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

async function main(): Promise<void> {
  const store = new Store(openBridge());
  const lost = new Set<string>();
  store.onComplaint((fault) => {
    if (fault.kind === "unreachable") lost.add(fault.message);
    notify(fault.message, "fault");
  });
  store.onRecovery(() => {
    lost.forEach(putAway);
    lost.clear();
  });
  const drawing = mountBoard(element("drawing"), store, announce);
  mountBar(element("bar"), store, drawing);
  mountDocument(element("document"), store);
  takeDrops(element("graph"), store);
  for (const pane of PANES) {
    if (pane.served && !store.bridge.served) continue;
    const root = h("div", { class: "pane-body" });
    const title = h("h2", { id: `${pane.id}-title` }, pane.title);
    element("side").append(h("section", { id: pane.id, class: "pane", "aria-labelledby": `${pane.id}-title` }, title, root));
    pane.mount(root, store);
  }
  // for tests and the curious
  const link = (): Promise<string> => pack(store.state);
  Object.assign(window, { latentdo: { store, drawing, link, placeOf: (name: string) => drawing.placeOf(name) } });
  await begin(store);
  keepAddress(store, (words) => notify(words, "fault"));
}

function mountDocument(root: HTMLElement, store: Store): void {
  const text = h("div", { class: "text-pane" }, h("h3", {}, "Text"));
  const table = h("div", { class: "table-body" });
  const wide = window.matchMedia("(min-width: 1200px)").matches;
  root.append(text, h("details", { class: "table-pane", open: wide }, h("summary", {}, "Nodes and edges as a table"), table));
  mountEditor(text, store, (content) => importText(store, content));
  mountTable(table, store);
}

/** The study of the address, else that of the server, else an example. */
async function begin(store: Store): Promise<void> {
  // What somebody pasted meanwhile stays.
  const begun = (): boolean => store.state.text !== "";
  const fragment = location.hash.slice(1);
  if (fragment !== "") {
    try {
      const study = await unpack(fragment);
      return begun() ? undefined : store.open(study);
    } catch (error) {
      notify((error as Error).message, "fault");
    }
  }
  // A server that reads a large fit answers late: then an example stands here until it does.
  const late = new Promise<false>((done) => setTimeout(() => done(false), 600));
  if (store.bridge.served && (await Promise.race([Session.of(store).begun, late]))) return;
  const [first] = EXAMPLES;
  if (first && !begun()) store.open(first);
}

if (fromDisk()) sayHow(document.body);
else void main();
