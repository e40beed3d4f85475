// What can be done to the drawing, each once: for keys, for buttons, for the list behind `?`.

import type { Edit, EdgeKind, PageEdge, Role, Sign } from "../contract.js";
import { edgeId, shown, typedEdge } from "../names.js";
import type { Store } from "../store.js";
import type { Drawing, Point } from "./canvas.js";
import { isTouched, WORDS, type Strokes } from "./strokes.js";

export interface Action {
  readonly keys: readonly string[];
  readonly label: string;
  /** What the list of keys says. */
  readonly words: string;
  /** What has to be selected, or nothing. */
  readonly on?: "node" | "edge" | "any";
  readonly run: (event?: KeyboardEvent) => void;
}

export class Actions {
  /** An edge that waits for its other end, drawn by keys. */
  private pending: { from: string; kind: EdgeKind } | null = null;
  private listeners: (() => void)[] = [];
  readonly all: readonly Action[];

  constructor(
    private readonly drawing: Drawing,
    private readonly strokes: Strokes,
    private readonly tell: (words: string) => void,
    help: () => void,
  ) {
    this.all = [
      { keys: ["n"], label: "New node", words: "new node", run: () => this.addNode() },
      { keys: ["r", "F2"], label: "Rename", words: "rename the node", on: "node", run: () => this.rename() },
      { keys: ["e"], label: "Treatment", words: "the node is set (treatment), or no longer", on: "node", run: () => this.role("treatment") },
      { keys: ["o"], label: "Outcome", words: "the node is asked about (outcome), or no longer", on: "node", run: () => this.role("outcome") },
      { keys: ["a"], label: "Given", words: "the node is seen (given), or no longer", on: "node", run: () => this.role("given") },
      { keys: ["u"], label: "Latent", words: "nobody measured the node (latent), or somebody did", on: "node", run: () => this.latent() },
      { keys: ["c"], label: "Edge to …", words: "edge → from the node: then choose the other end: click it, or Enter", on: "node", run: () => this.link("->") },
      { keys: ["b"], label: "Hidden cause with …", words: "hidden common cause ↔ with another node: click it, or Enter", on: "node", run: () => this.link("<->") },
      { keys: ["i"], label: "Inhibits", words: "the edge inhibits (its end is a T), or no longer", on: "edge", run: () => this.sign() },
      { keys: ["f"], label: "Turn around", words: "turn the edge around", on: "edge", run: () => this.flip() },
      { keys: ["d", "Delete", "Backspace"], label: "Delete", words: "delete what is selected", on: "any", run: () => void this.remove() },
      { keys: ["ArrowLeft"], label: "", words: "move what is selected (with Shift a little)", on: "node", run: (event) => this.nudge(-1, 0, event) },
      { keys: ["ArrowRight"], label: "", words: "", on: "node", run: (event) => this.nudge(1, 0, event) },
      { keys: ["ArrowUp"], label: "", words: "", on: "node", run: (event) => this.nudge(0, -1, event) },
      { keys: ["ArrowDown"], label: "", words: "", on: "node", run: (event) => this.nudge(0, 1, event) },
      { keys: ["PageDown"], label: "", words: "next node; with Shift the next edge", run: (event) => this.walk(1, event) },
      { keys: ["PageUp"], label: "", words: "node before; with Shift the edge before", run: (event) => this.walk(-1, event) },
      { keys: ["l"], label: "Arrange", words: "arrange everything anew", run: () => this.drawing.arrange() },
      { keys: ["+", "="], label: "Closer", words: "zoom in", run: () => this.drawing.zoom(1.25) },
      { keys: ["-"], label: "Farther", words: "zoom out", run: () => this.drawing.zoom(0.8) },
      { keys: ["0"], label: "Show all", words: "show all", run: () => this.drawing.fit() },
      { keys: ["Escape"], label: "", words: "cancel, and choose nothing", run: () => this.letGo() },
      { keys: ["?"], label: "Keys", words: "this list", run: help },
    ];
    strokes.picks = (name) => {
      const { pending } = this;
      if (!pending || name === pending.from) return false;
      this.wait(null);
      void strokes.draws(pending.from, name, pending.kind);
      return true;
    };
    // What is drawn, typed or opened in between is not what the edge was begun in.
    drawing.store.subscribe((_, changed) => changed.has("text") && this.wait(null));
  }

  /** The kind of the edge that waits for its other end. */
  get waiting(): EdgeKind | null {
    return this.pending?.kind ?? null;
  }

  onWaiting(listener: () => void): void {
    this.listeners.push(listener);
  }

  private wait(pending: Actions["pending"]): void {
    if (pending === this.pending) return;
    this.pending = pending;
    this.drawing.begin(pending?.from ?? null);
    for (const listener of this.listeners) listener();
  }

  /** Whether the key meant something. */
  press(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "Enter" && this.pending) {
      this.finishLink();
      return true;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = this.all.find(({ keys }) => keys.includes(key));
    if (!action) return false;
    if (action.on && this.strokes.hovered !== null && this.nodes.length + this.edges.length === 0)
      this.store.select([this.strokes.hovered]);
    if (action.on === "node" && this.nodes.length === 0) this.tell("Choose a node first: Page Down goes to the next one.");
    else if (action.on === "edge" && this.edges.length === 0) this.tell("Choose an edge first: Shift and Page Down go to the next one.");
    else action.run(event);
    return true;
  }

  named(key: string): Action {
    return this.all.find(({ keys }) => keys.includes(key)) as Action;
  }

  private get store(): Store {
    return this.drawing.store;
  }

  private get nodes(): readonly string[] {
    return this.store.state.selection.nodes;
  }

  private get edges(): PageEdge[] {
    const chosen = new Set(this.store.state.selection.edges.map(edgeId));
    return this.store.state.reading?.edges.filter((edge) => chosen.has(edgeId(edge))) ?? [];
  }

  private addNode(): void {
    const [name] = this.nodes;
    const beside = name === undefined ? undefined : this.drawing.node(name)?.position();
    const isSeen = ({ x, y }: Point): boolean => {
      const { x1, x2, y1, y2 } = this.drawing.cy.extent();
      return x - 40 > x1 && x + 40 < x2 && y - 30 > y1 && y + 30 < y2;
    };
    const { x1, x2, y1, y2 } = this.drawing.cy.extent();
    let place = beside ? { x: beside.x + 130, y: beside.y + 44 } : { x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
    // The next row begins at the left.
    if (beside && !isSeen(place)) place = { x: x1 + 80, y: beside.y + 84 };
    if (!isSeen(place)) this.drawing.zoom(0.75);
    void this.strokes.addNode(place);
  }

  private rename(): void {
    void this.strokes.rename(this.nodes[0] as string);
  }

  private role(role: Role): void {
    const { roles } = this.store;
    const has = !this.nodes.every((name) => roles.get(name) === role);
    const asked = this.store.setRole(this.nodes, role);
    if (!asked) this.tell("Now mark what is asked about: o makes a node the outcome.");
    else this.tell(`${this.nodes.map(shown).join(", ")}: ${has ? "" : "no longer "}${role}.`);
  }

  private latent(): void {
    const known = new Map(this.store.state.reading?.nodes.map((node) => [node.name, node.latent]));
    const latent = !this.nodes.every((name) => known.get(name));
    const nodes = [...this.nodes];
    void this.store
      .edit(nodes.map((name) => ({ op: "set_latent", name, latent })))
      .then((done) => done && this.tell(`${nodes.map(shown).join(", ")}: ${latent ? "nobody measured it" : "measured"}.`));
  }

  /** Draw an edge: at once if the other end is selected too, else it is chosen next. */
  private link(kind: EdgeKind): void {
    const [from, to] = this.nodes;
    if (from === undefined) return;
    if (to !== undefined) return void this.strokes.connect(from, to, kind);
    if (this.pending?.from === from && this.pending.kind === kind) {
      this.wait(null);
      return this.tell("");
    }
    this.wait({ from, kind });
    const how = isTouched() ? "" : ", or go to it with Page Down and press Enter. Escape cancels";
    this.tell(`${shown(from)} ${WORDS[kind]} …: press the other node${how}.`);
  }

  private finishLink(): void {
    const { pending } = this;
    const to = this.nodes.at(-1);
    if (!pending || to === undefined || to === pending.from) return this.tell("Choose another node first.");
    this.wait(null);
    void this.strokes.connect(pending.from, to, pending.kind);
  }

  private sign(): void {
    const isModel = this.store.state.reading?.kind === "model";
    const next: { readonly [sign in Sign]: Sign } = isModel ? { "": "+", "+": "-", "-": "" } : { "": "-", "+": "-", "-": "" };
    const directed = this.edges.filter((edge) => edge.kind !== "<->");
    void this.store.edit(directed.map(({ tail, head, sign }) => ({ op: "sign", tail, head, sign: next[sign] })));
  }

  private flip(): void {
    const directed = this.edges.filter((edge) => edge.kind !== "<->");
    const after = directed.map(({ tail, head, kind }) => ({ tail: head, head: tail, kind }));
    void this.store
      .edit(directed.map(({ tail, head }) => ({ op: "flip", tail, head })))
      .then((done) => done && this.store.select([], after));
  }

  async remove(): Promise<void> {
    const nodes = new Set(this.nodes);
    const loose = this.edges.filter(({ tail, head }) => !nodes.has(tail) && !nodes.has(head));
    const edits: Edit[] = [
      ...loose.map(({ tail, head, kind }) => ({ op: "remove_edge", tail, head, kind }) as const),
      ...[...nodes].map((name) => ({ op: "remove_node", name }) as const),
    ];
    if (edits.length === 0) return this.tell("Choose a node or an edge first.");
    const names = [...loose.map(typedEdge), ...[...nodes].map(shown)];
    if (await this.store.edit(edits)) {
      this.store.select([]);
      this.tell(`Deleted ${names.join(", ")}.`);
    }
  }

  private nudge(x: number, y: number, event?: KeyboardEvent): void {
    const step = event?.shiftKey ? 2 : 12;
    this.drawing.nudge(x * step, y * step);
  }

  /** Go to the next node or edge and say what it is. */
  private walk(step: 1 | -1, event?: KeyboardEvent): void {
    const { reading } = this.store.state;
    if (!reading) return;
    if (event?.shiftKey) {
      const at = reading.edges.findIndex((edge) => this.edges[0] && edgeId(edge) === edgeId(this.edges[0]));
      const edge = reading.edges[around(at, step, reading.edges.length)];
      if (edge) {
        this.store.select([], [{ tail: edge.tail, head: edge.head, kind: edge.kind }]);
        this.tell(`${shown(edge.tail)} ${WORDS[edge.kind]} ${shown(edge.head)}.`);
      }
      return;
    }
    const at = reading.nodes.findIndex((node) => node.name === this.nodes.at(-1));
    const node = reading.nodes[around(at, step, reading.nodes.length)];
    if (!node) return;
    this.store.select([node.name]);
    const { pending } = this;
    const begun = pending && pending.from !== node.name;
    this.tell(begun ? `${shown(pending.from)} ${WORDS[pending.kind]} ${shown(node.name)}: Enter draws it.` : this.told(node.name));
  }

  /** A node in words. */
  private told(name: string): string {
    const { reading } = this.store.state;
    const node = reading?.nodes.find((each) => each.name === name);
    const role = this.store.roles.get(name);
    const said = [shown(name), ...(role ? [role] : []), ...(node?.latent ? ["latent"] : [])];
    const out = reading?.edges.filter(({ tail, head, kind }) => tail === name || (kind === "<->" && head === name)) ?? [];
    const links = out.map((edge) => `${WORDS[edge.kind]} ${shown(edge.tail === name ? edge.head : edge.tail)}`);
    return `${said.join(", ")}: ${links.join(", ") || "causes nothing here"}.`;
  }

  private letGo(): void {
    if (this.pending) this.tell("");
    this.wait(null);
    this.strokes.cancel();
    this.strokes.use("move");
    this.store.select([]);
  }
}

function around(at: number, step: 1 | -1, length: number): number {
  if (at < 0) return step > 0 ? 0 : length - 1;
  return (at + step + length) % length;
}
