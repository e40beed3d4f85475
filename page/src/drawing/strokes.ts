// Strokes with mouse, pen or finger: every one of them becomes an edit of the text.

import type { EdgeKind } from "../contract.js";
import { freeName, shown } from "../names.js";
import { h, s } from "../panels/dom.js";
import type { Drawing, Point } from "./canvas.js";

export type Tool = "move" | EdgeKind;
const DOUBLE = 400;

export class Strokes {
  tool: Tool = "move";
  /** The node from which an edge is being drawn. */
  private from: { name: string; kind: EdgeKind; touch: boolean; moved: boolean } | null = null;
  private target: string | null = null;
  private readonly line: SVGPathElement;
  private readonly overlay: SVGSVGElement;
  /** Asked for each node that is pressed: true where it is the other end of an edge that waits for it. */
  picks: (name: string) => boolean = () => false;
  private picked = false;
  private lastTap = { time: 0, x: 0, y: 0 };
  private listeners: (() => void)[] = [];

  constructor(
    private readonly drawing: Drawing,
    private readonly board: HTMLElement,
    private readonly tell: (words: string) => void,
  ) {
    this.line = s("path", { class: "stroke" });
    this.overlay = s("svg", { class: "strokes", "aria-hidden": "true" }, this.line);
    board.append(this.overlay);
    const capture = { capture: true, passive: false };
    board.addEventListener("pointerdown", (event) => this.down(event), capture);
    board.addEventListener("pointermove", (event) => this.hover(event), capture);
    window.addEventListener("pointermove", (event) => this.move(event), capture);
    window.addEventListener("pointerup", (event) => this.up(event), capture);
    window.addEventListener("pointercancel", () => this.cancel(), capture);
    // cytoscape listens to these: while an edge is drawn, no node moves with it.
    for (const kind of ["mousedown", "touchstart", "touchmove"])
      board.addEventListener(kind, (event) => (this.from || this.picked) && stop(event), capture);
    // The library takes the focus away on its own press, which comes after ours.
    for (const kind of ["mousedown", "touchend"])
      board.addEventListener(kind, (event) => this.isBoard(event) && this.focus());
    // Who points sees where he is; the frame around the drawing is for keys.
    board.addEventListener("pointerdown", () => board.classList.add("is-pointed"), capture);
    board.addEventListener("keydown", () => board.classList.remove("is-pointed"));
  }

  onTool(listener: () => void): void {
    this.listeners.push(listener);
  }

  use(tool: Tool): void {
    this.tool = tool;
    this.board.dataset["tool"] = tool;
    for (const listener of this.listeners) listener();
  }

  focus(): void {
    if (!this.board.querySelector(".naming")) this.board.focus({ preventScroll: true });
  }

  cancel(): void {
    this.from = null;
    this.picked = false;
    this.aim(null);
    this.line.setAttribute("d", "");
  }

  // --- the pointer

  private down(event: PointerEvent): void {
    if (!event.isPrimary) return this.cancel(); // a second finger: it zooms
    if (event.button !== 0 || !this.isBoard(event)) return;
    this.focus();
    const touch = event.pointerType !== "mouse";
    const hit = this.drawing.at(point(event), touch);
    if (hit && this.picks(hit.name)) {
      this.picked = true;
      return event.stopPropagation();
    }
    if (this.isDouble(event)) return this.double(event, hit?.name ?? null);
    const modified = event.shiftKey || event.altKey;
    if (!hit || !(this.tool !== "move" || hit.rim || modified)) return;
    const kind = event.shiftKey ? "<->" : event.altKey ? "-|" : this.tool === "move" ? "->" : this.tool;
    this.from = { name: hit.name, kind, touch, moved: false };
    this.line.classList.toggle("is-arc", kind === "<->");
    event.stopPropagation();
  }

  private hover(event: PointerEvent): void {
    if (this.from || event.pointerType !== "mouse") return;
    const hit = this.isBoard(event) ? this.drawing.at(point(event)) : null;
    const edge = hit && (hit.rim || this.tool !== "move" || event.shiftKey || event.altKey);
    this.board.classList.toggle("over-rim", Boolean(edge));
    this.board.classList.toggle("over-node", Boolean(hit && !edge));
    this.hovered = hit?.name ?? null;
  }

  /** The node under the mouse. */
  hovered: string | null = null;

  private move(event: PointerEvent): void {
    if (!this.from) return;
    event.preventDefault();
    this.from.moved = true;
    const hit = this.drawing.at(point(event), this.from.touch);
    this.aim(hit && hit.name !== this.from.name ? hit.name : null);
    this.draw(point(event));
  }

  private up(event: PointerEvent): void {
    const { from, target } = this;
    this.picked = false;
    if (!from) return;
    stop(event);
    this.cancel();
    if (target !== null) {
      this.lastTap.time = 0; // the press that drew is no first half of a double click
      void this.draws(from.name, target, from.kind);
    } else if (this.drawing.at(point(event), from.touch)?.name === from.name) this.drawing.store.select([from.name]);
    else if (from.moved) this.tell("Drop the edge on a node. To move a node, drag it by its middle.");
  }

  private isBoard(event: Event): boolean {
    return event.target instanceof Element && event.target.closest(".board-part") === null;
  }

  private isDouble(event: PointerEvent): boolean {
    const last = this.lastTap;
    const near = Math.hypot(event.clientX - last.x, event.clientY - last.y) < 24;
    const double = near && event.timeStamp - last.time < DOUBLE;
    this.lastTap = { time: double ? 0 : event.timeStamp, x: event.clientX, y: event.clientY };
    return double;
  }

  private double(event: PointerEvent, name: string | null): void {
    stop(event);
    if (name !== null) void this.rename(name);
    else void this.addNode(this.drawing.toModel(point(event)));
  }

  /** Mark the node that the edge would end in. */
  private aim(name: string | null): void {
    if (name === this.target) return;
    if (this.target !== null) this.drawing.node(this.target)?.removeClass("target");
    if (name !== null) this.drawing.node(name)?.addClass("target");
    this.target = name;
  }

  private draw(client: Point): void {
    const node = this.from && this.drawing.node(this.from.name);
    if (!node) return this.cancel();
    const start = this.drawing.toScreen(node.position());
    const { left, top } = this.board.getBoundingClientRect();
    const aimed = this.target === null ? null : this.drawing.node(this.target);
    const end = aimed ? this.drawing.toScreen(aimed.position()) : { x: client.x - left, y: client.y - top };
    const bow = this.from?.kind === "<->" ? -0.18 : 0;
    const middle = { x: (start.x + end.x) / 2 - bow * (end.y - start.y), y: (start.y + end.y) / 2 + bow * (end.x - start.x) };
    this.line.setAttribute("d", `M${start.x} ${start.y} Q${middle.x} ${middle.y} ${end.x} ${end.y}`);
  }

  // --- the edits

  async connect(tail: string, head: string, kind: EdgeKind): Promise<boolean> {
    const done = await this.drawing.store.edit([{ op: "add_edge", tail, head, kind }]);
    if (done) this.tell(`${shown(tail)} ${WORDS[kind]} ${shown(head)}.`);
    return done;
  }

  /** The same by pointing: what was drawn is selected then, and no node that was selected before. */
  async draws(tail: string, head: string, kind: EdgeKind): Promise<void> {
    if (await this.connect(tail, head, kind)) this.drawing.store.select([], [{ tail, head, kind }]);
  }

  /** Add a node where the field of its name stands; empty or Escape adds none. */
  async addNode(at: Point): Promise<void> {
    const { store } = this.drawing;
    const name = await this.askName(at, freeName(store.state.reading?.nodes.map((node) => node.name) ?? []), "Name of the new node");
    if (name === null) return;
    const places = new Map(store.state.places).set(name, { x: Math.round(at.x), y: Math.round(at.y), kept: true });
    if (!store.state.reading?.nodes.some((node) => node.name === name)) store.set({ places });
    if (await store.edit([{ op: "add_node", name }])) {
      store.select([name]);
      this.tell(`Added ${name}.`);
    }
  }

  async rename(name: string): Promise<void> {
    const node = this.drawing.node(name);
    if (!node) return;
    const to = await this.askName(node.position(), name, `New name of ${shown(name)}`);
    if (to === null || to === name) return;
    if (await this.drawing.store.edit([{ op: "rename", name, to }])) this.drawing.store.select([to]);
  }

  private askName(at: Point, value: string, label: string): Promise<string | null> {
    this.board.querySelector(".naming")?.dispatchEvent(new Event("blur"));
    const field = h("input", { class: "naming board-part", "aria-label": label, value, spellcheck: "false", autocomplete: "off" });
    const spot = this.drawing.toScreen(at);
    const half = 80;
    field.style.left = `${Math.max(half, Math.min(this.board.clientWidth - half, spot.x))}px`;
    field.style.top = `${Math.max(20, Math.min(this.board.clientHeight - 20, spot.y))}px`;
    this.board.append(field);
    return new Promise((done) => {
      let open = true;
      const close = (name: string | null, back: boolean): void => {
        if (!open) return;
        open = false;
        field.remove();
        if (back) this.board.focus({ preventScroll: true });
        done(name);
      };
      const entered = (): string | null => field.value.trim() || null;
      field.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Enter") close(entered(), true);
        if (event.key === "Escape") close(null, true);
      });
      field.addEventListener("blur", () => close(entered(), false));
      // The press that opened it would take the focus back at once.
      setTimeout(() => {
        field.focus({ preventScroll: true });
        field.select();
      });
    });
  }
}

export const WORDS: { readonly [kind in EdgeKind]: string } = {
  "->": "causes",
  "-|": "inhibits",
  "<->": "shares a hidden cause with",
};

/** Whether fingers draw here. */
export function isTouched(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}

function point(event: PointerEvent): Point {
  return { x: event.clientX, y: event.clientY };
}

function stop(event: Event): void {
  event.stopPropagation();
  if (event.cancelable) event.preventDefault();
}
