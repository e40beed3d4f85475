// The drawing: it shows what the text says, and knows nothing that the text does not but where nodes stand.

import cytoscape, { type Core, type EdgeSingular, type NodeSingular } from "cytoscape";
import dagre from "cytoscape-dagre";

import type { PageEdge, PageNode, Reading, Role } from "../contract.js";
import { edgeId, type EdgeName } from "../names.js";
import type { Layer, Place, State, Store } from "../store.js";
import { HEIGHT, labelOf, looks } from "./looks.js";
import { arrange, bend, placeBeside } from "./places.js";

cytoscape.use(dagre);

export type Point = { x: number; y: number };
export type Hit = { name: string; rim: boolean };
const LAYERS: readonly Layer[] = ["hedge", "step", "pair", "hover"];
/** How much of a node's border, inside and outside, starts an edge: in pixels of the screen. */
const RIM = { mouse: { inside: 7, outside: 7 }, touch: { inside: 0, outside: 16 } };

export class Drawing {
  readonly cy: Core;
  /** Whether the view still follows the graph: until a person zooms or moves it. */
  private follows = true;
  private heard = false;
  /** When nodes were last moved by keys. */
  private nudged = 0;

  constructor(
    readonly root: HTMLElement,
    readonly store: Store,
  ) {
    this.cy = cytoscape({
      container: root,
      style: looks(),
      minZoom: 0.03,
      maxZoom: 4,
      selectionType: "single",
      boxSelectionEnabled: true,
      pixelRatio: "auto",
    });
    store.subscribe((state, changed) => this.follow(state, changed));
    this.cy.on("select unselect", () => this.hearSelection());
    this.cy.on("dragfree", "node", () => this.store.move(this.places(), false));
    this.cy.on("drag", "node", (event) => bend(this.cy, event.target.connectedEdges().toArray() as EdgeSingular[]));
    this.cy.on("scrollzoom dragpan pinchzoom", () => (this.follows = false));
    new ResizeObserver(() => this.resized()).observe(root);
    for (const query of ["(prefers-color-scheme: dark)"])
      window.matchMedia(query).addEventListener("change", () => this.repaint());
  }

  /** Take the colours of the page again. */
  repaint(): void {
    this.cy.style(looks());
  }

  fit(): void {
    this.follows = true;
    if (this.cy.nodes().empty()) return void this.cy.viewport({ zoom: 1, pan: { x: 0, y: 0 } });
    const small = this.cy.width() < 500;
    this.cy.fit(this.cy.elements(), small ? 22 : 44);
    const most = 1.5;
    if (this.cy.zoom() > most) {
      this.cy.zoom(most);
      this.cy.center();
    }
  }

  zoom(factor: number): void {
    this.follows = false;
    const middle = { x: this.cy.width() / 2, y: this.cy.height() / 2 };
    this.cy.zoom({ level: this.cy.zoom() * factor, renderedPosition: middle });
  }

  /** Lay everything out anew and forget where nodes were put. */
  arrange(): void {
    arrange(this.cy);
    bend(this.cy, this.edges());
    this.fit();
    this.store.move(this.places(false), false);
  }

  node(name: string): NodeSingular | null {
    const found = this.cy.getElementById(`n${name}`);
    return found.nonempty() ? (found as NodeSingular) : null;
  }

  // --- between the screen and the drawing

  toModel(client: Point): Point {
    const { left, top } = this.root.getBoundingClientRect();
    const pan = this.cy.pan();
    return { x: (client.x - left - pan.x) / this.cy.zoom(), y: (client.y - top - pan.y) / this.cy.zoom() };
  }

  toScreen(model: Point): Point {
    const pan = this.cy.pan();
    return { x: model.x * this.cy.zoom() + pan.x, y: model.y * this.cy.zoom() + pan.y };
  }

  /** Where a node's middle is in the window, and half of its width. */
  placeOf(name: string): [number, number, number] | null {
    const node = this.node(name);
    if (!node) return null;
    const { left, top } = this.root.getBoundingClientRect();
    const at = this.toScreen(node.position());
    return [left + at.x, top + at.y, (node.data("width") * this.cy.zoom()) / 2];
  }

  /** The node at a point of the screen, and whether its border was met. */
  at(client: Point, touch = false): Hit | null {
    const point = this.toModel(client);
    const rim = touch ? RIM.touch : RIM.mouse;
    const zoom = this.cy.zoom();
    let best: Hit | null = null;
    let nearest = Infinity;
    this.cy.nodes().forEach((node) => {
      const at = node.position();
      const across = Math.abs(point.x - at.x) - node.data("width") / 2;
      const down = Math.abs(point.y - at.y) - HEIGHT / 2;
      const outside = Math.max(across, down) * zoom;
      if (outside > rim.outside || outside >= nearest) return;
      nearest = outside;
      const inside = Math.min(rim.inside, (HEIGHT * zoom) / 4);
      best = { name: node.data("name"), rim: outside > -inside };
    });
    return best;
  }

  // --- what the store says

  private follow(state: State, changed: ReadonlySet<keyof State>): void {
    if (changed.has("fault")) this.root.classList.toggle("is-stale", state.fault !== null);
    if (changed.has("places") && this.store.source === "history" && !changed.has("text")) this.putBack(state.places);
    if (changed.has("reading") && state.reading) this.draw(state.reading);
    if (changed.has("reading") || changed.has("verdicts") || changed.has("active") || changed.has("draft"))
      this.mark();
    if (changed.has("lit") || changed.has("reading")) this.light(state);
    if (changed.has("selection") || changed.has("reading")) this.showSelection(state);
  }

  private draw(reading: Reading): void {
    const { places } = this.store.state;
    const known = new Set(reading.nodes.map((node) => `n${node.name}`));
    const edges = new Map(reading.edges.map((edge) => [edgeId(edge), edge]));
    const fresh: NodeSingular[] = [];
    let bent: EdgeSingular[] = [];
    if (this.store.source === "opening") this.cy.elements().remove();
    const first = this.cy.nodes().empty();
    this.cy.batch(() => {
      this.cy.elements().forEach((element) => {
        const id = element.id();
        if (!known.has(id) && !edges.has(id)) element.remove();
      });
      for (const node of reading.nodes) if (!this.drawNode(node, places)) fresh.push(this.node(node.name) as NodeSingular);
      for (const [id, edge] of edges) {
        const drawn = this.drawEdge(id, edge);
        if (drawn) bent.push(drawn);
      }
    });
    const { source } = this.store;
    if (source === "stroke") this.follows = false; // who draws finds everything where it was
    const kept = reading.nodes.some((node) => places.get(node.name)?.kept);
    const anew = !kept && (source === "opening" || source === "typing" || (first && source !== "stroke"));
    if (anew && (fresh.length > 0 || bent.length > 0)) arrange(this.cy);
    else if (fresh.length > 0) placeBeside(this.cy, fresh);
    if (anew || fresh.length > 0) bent = this.edges();
    bend(this.cy, bent);
    if (anew || fresh.length > 0) this.keepPlaces(kept);
    if (source === "opening" || (first && source !== "stroke") || (this.follows && anew)) this.fit();
    else if (fresh.some((node) => !this.isSeen(node))) this.fit();
  }

  private isSeen(node: NodeSingular): boolean {
    const { x1, y1, x2, y2 } = this.cy.extent();
    const at = node.position();
    const half = node.data("width") / 2;
    return at.x - half > x1 && at.x + half < x2 && at.y - HEIGHT / 2 > y1 && at.y + HEIGHT / 2 < y2;
  }

  /** Whether its place is known. */
  private drawNode(node: PageNode, places: ReadonlyMap<string, Place>): boolean {
    const data = { name: node.name, latent: node.latent, ...labelOf(node, this.store.roles.get(node.name)) };
    const drawn = this.node(node.name);
    if (drawn) {
      retold(drawn, data);
      return true;
    }
    const place = places.get(node.name);
    this.cy.add({
      group: "nodes",
      data: { id: `n${node.name}`, ...data },
      position: place ? { x: place.x, y: place.y } : { x: 0, y: 0 },
    });
    return place !== undefined;
  }

  /** The edge if it is new. */
  private drawEdge(id: string, edge: PageEdge): EdgeSingular | null {
    const data = { kind: edge.kind, tail: edge.tail, head: edge.head, label: edge.latents > 1 ? String(edge.latents) : "" };
    const drawn = this.cy.getElementById(id);
    if (drawn.nonempty()) {
      retold(drawn as unknown as EdgeSingular, data);
      return null;
    }
    const ends = { source: `n${edge.tail}`, target: `n${edge.head}` };
    return this.cy.add({ group: "edges", data: { id, ...ends, ...data, bow: 0 } }) as unknown as EdgeSingular;
  }

  private edges(): EdgeSingular[] {
    return this.cy.edges().toArray() as EdgeSingular[];
  }

  /** Show the part that each node plays in the question. */
  private mark(): void {
    const { roles } = this.store;
    this.cy.batch(() => {
      for (const node of this.store.state.reading?.nodes ?? []) {
        const role: Role | undefined = roles.get(node.name);
        const drawn = this.node(node.name);
        if (drawn) retold(drawn, { role: role ?? "", ...labelOf(node, role) });
      }
    });
  }

  private light({ lit }: State): void {
    this.cy.batch(() => {
      this.cy.elements(".lit, .hedge, .core, .cut").removeClass("lit hedge core cut");
      for (const layer of LAYERS) {
        const { nodes = [], edges = [], core = [], cut = [] } = lit[layer] ?? {};
        const name = layer === "hedge" ? "hedge" : "lit";
        for (const node of nodes) this.node(node)?.addClass(name);
        for (const node of core) this.node(node)?.addClass("core");
        for (const edge of edges) this.cy.getElementById(edgeId(edge)).addClass(name);
        for (const edge of cut) this.cy.getElementById(edgeId(edge)).addClass("cut");
      }
    });
  }

  // --- what a person does

  private hearSelection(): void {
    if (this.heard) return;
    this.heard = true;
    queueMicrotask(() => {
      this.heard = false;
      const nodes = this.cy.nodes(":selected").map((node) => node.data("name") as string);
      this.store.select(nodes, this.cy.edges(":selected").map(nameOf));
    });
  }

  /** Mark the node at which an edge begins that waits for its other end. */
  begin(name: string | null): void {
    this.cy.nodes(".target").removeClass("target");
    if (name !== null) this.node(name)?.addClass("target");
  }

  private showSelection({ selection }: State): void {
    const wanted = new Set([...selection.nodes.map((name) => `n${name}`), ...selection.edges.map(edgeId)]);
    this.heard = true; // what the store says need not be told to it
    this.cy.batch(() => {
      this.cy.elements().forEach((element) => {
        if (element.selected() !== wanted.has(element.id())) wanted.has(element.id()) ? element.select() : element.unselect();
      });
    });
    queueMicrotask(() => (this.heard = false));
  }

  /** Move the selected nodes a little. */
  nudge(x: number, y: number): void {
    const nodes = this.cy.nodes(":selected");
    nodes.forEach((node) => {
      const at = node.position();
      node.position({ x: at.x + x, y: at.y + y });
    });
    bend(this.cy, nodes.connectedEdges().toArray() as EdgeSingular[]);
    const now = Date.now();
    this.store.move(this.places(), now - this.nudged < 1500);
    this.nudged = now;
  }

  private keepPlaces(kept: boolean): void {
    this.store.set({ places: this.places(kept) });
  }

  /** Where the nodes stand; `kept` says that a person wants them there. */
  private places(kept = true): Map<string, Place> {
    const places = new Map(this.store.state.places);
    this.cy.nodes().forEach((node) => {
      const { x, y } = node.position();
      places.set(node.data("name"), { x: Math.round(x), y: Math.round(y), kept });
    });
    return places;
  }

  /** Put the nodes where they stood before a step that is undone. */
  private putBack(places: ReadonlyMap<string, Place>): void {
    this.cy.nodes().forEach((node) => {
      const place = places.get(node.data("name"));
      if (place) node.position({ x: place.x, y: place.y });
    });
    bend(this.cy, this.edges());
  }

  private resized(): void {
    this.cy.resize();
    if (this.follows && this.cy.nodes().nonempty()) this.fit();
  }
}

/** Tell an element what has changed of it, as the library looks at it again whatever it is told. */
function retold(element: NodeSingular | EdgeSingular, data: { readonly [key: string]: unknown }): void {
  const changed = Object.entries(data).filter(([key, value]) => element.data(key) !== value);
  if (changed.length > 0) element.data(Object.fromEntries(changed));
}

function nameOf(edge: EdgeSingular): EdgeName {
  return { tail: edge.data("tail"), head: edge.data("head"), kind: edge.data("kind") };
}
