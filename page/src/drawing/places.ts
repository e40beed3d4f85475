// Where nodes stand and how edges bend: dagre for a new graph, a free place beside its neighbours for a new node.

import type { Core, EdgeSingular, NodeSingular } from "cytoscape";

import { HEIGHT } from "./looks.js";

type Point = { x: number; y: number };
const ACROSS = 70;
const DOWN = 26;
const GRID = 4;
const MANY = 13;

/** Lay the whole graph out along the longer side of the pane; a large one along that by which it is seen larger. */
export function arrange(cy: Core): void {
  const tall = cy.height() > cy.width() * 1.15;
  run(cy, tall);
  if (cy.nodes().length < MANY) return;
  const seen = scale(cy);
  run(cy, !tall);
  if (scale(cy) < 1.3 * seen) run(cy, tall);
}

function run(cy: Core, tall: boolean): void {
  cy.elements('node, edge[kind != "<->"]')
    .layout({
      name: "dagre",
      rankDir: tall ? "TB" : "LR",
      nodeSep: tall ? 30 : DOWN,
      edgeSep: 12,
      rankSep: ACROSS - (tall ? 14 : 0),
      ranker: cy.nodes().length > 400 ? "tight-tree" : "network-simplex",
      fit: false,
      animate: false,
    } as never)
    .run();
}

/** How large the whole is seen. */
function scale(cy: Core): number {
  const { w, h } = cy.nodes().boundingBox();
  return Math.min(cy.width() / w, cy.height() / h);
}

/** Give new nodes free places: right of their causes, else left of their effects, else below everything. */
export function placeBeside(cy: Core, fresh: readonly NodeSingular[]): void {
  const waiting = new Set(fresh.map((node) => node.id()));
  const taken = (): NodeSingular[] => cy.nodes().filter((node) => !waiting.has(node.id())).toArray() as NodeSingular[];
  for (const node of fresh) {
    const causes = placed(node.incomers("node"), waiting);
    const effects = placed(node.outgoers("node"), waiting);
    const kin = placed(node.neighborhood("node"), waiting);
    let wanted: Point;
    if (causes.length > 0) wanted = shifted(middle(causes), ACROSS + node.data("width"), 0);
    else if (effects.length > 1) wanted = shifted(middle(effects), 0, -2.5 * HEIGHT);
    else if (effects.length > 0) wanted = shifted(middle(effects), -ACROSS - node.data("width"), 0);
    else if (kin.length > 0) wanted = shifted(middle(kin), 0, 2 * HEIGHT);
    else wanted = below(taken());
    node.position(freeSpot(wanted, node.data("width"), taken()));
    waiting.delete(node.id());
  }
}

function placed(nodes: { toArray(): unknown[] }, waiting: ReadonlySet<string>): Point[] {
  return (nodes.toArray() as NodeSingular[]).filter((node) => !waiting.has(node.id())).map((node) => node.position());
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

function shifted(point: Point, x: number, y: number): Point {
  return { x: point.x + x, y: point.y + y };
}

function below(nodes: readonly NodeSingular[]): Point {
  if (nodes.length === 0) return { x: 0, y: 0 };
  const left = Math.min(...nodes.map((node) => node.position("x")));
  const low = Math.max(...nodes.map((node) => node.position("y")));
  return { x: left, y: low + 2 * HEIGHT };
}

function freeSpot(wanted: Point, width: number, nodes: readonly NodeSingular[]): Point {
  const clear = (spot: Point): boolean =>
    nodes.every((node) => {
      const at = node.position();
      return Math.abs(at.x - spot.x) > (node.data("width") + width) / 2 + 12 || Math.abs(at.y - spot.y) > HEIGHT + 12;
    });
  for (let step = 0; step < 60; step++) {
    const down = (step % 2 ? 1 : -1) * Math.ceil(step / 2) * (HEIGHT + 16);
    const spot = shifted(wanted, 0, down);
    if (clear(spot)) return spot;
  }
  return wanted;
}

// --- how edges bend

interface Box extends Point {
  half: number;
  id: string;
}

const BENDS = [0, 36, -36, 64, -64, 100, -100, 150, -150];
const ARC_BENDS = [46, 74, 110, 160];

/** Points of an edge that arcs keep clear of. */
interface Trail {
  readonly id: string;
  readonly points: readonly Point[];
}

/** Bend edges around the nodes that they would run through; `<->` always bends, away from the middle and from other edges. */
export function bend(cy: Core, edges: readonly EdgeSingular[]): void {
  const boxes: Box[] = (cy.nodes().toArray() as NodeSingular[]).map((node) => ({
    ...node.position(),
    half: node.data("width") / 2,
    id: node.id(),
  }));
  const centre = middle(boxes.length > 0 ? boxes : [{ x: 0, y: 0 }]);
  const arcs = edges.filter((edge) => edge.data("kind") === "<->");
  cy.batch(() => {
    const set = (edge: EdgeSingular, bow: number): void => {
      if (edge.data("bow") !== bow) edge.data("bow", bow);
    };
    for (const edge of edges) if (edge.data("kind") !== "<->") set(edge, bowOf(edge, boxes, BENDS, []));
    if (arcs.length === 0) return;
    const trails: Trail[] = (cy.edges().toArray() as EdgeSingular[]).map((edge) => ({ id: edge.id(), points: trail(edge) }));
    for (const arc of arcs) {
      const others = trails.filter(({ id }) => id !== arc.id()).flatMap(({ points }) => points);
      set(arc, bowOf(arc, boxes, arcBends(arc, centre), others));
    }
  });
}

function ends(edge: EdgeSingular): { a: Point; b: Point; length: number; across: Point } {
  const [a, b] = [edge.source().position(), edge.target().position()];
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return { a, b, length, across: { x: -(b.y - a.y) / length, y: (b.x - a.x) / length } };
}

/** How much an arc may bend, what is tried first in front: outwards, and up in the middle of the drawing. */
function arcBends(arc: EdgeSingular, centre: Point): number[] {
  const { a, b, length, across } = ends(arc);
  const side = ((a.x + b.x) / 2 - centre.x) * across.x + ((a.y + b.y) / 2 - centre.y) * across.y;
  const sign = Math.abs(side) > GRID ? Math.sign(side) : across.y > 0 ? -1 : 1;
  const grown = 1 + Math.max(0, length - 220) / 500;
  return ARC_BENDS.flatMap((bow) => [sign * bow * grown, -sign * bow * grown]);
}

/** The bend by which an edge meets the fewest nodes and, of half the weight, points of other edges. */
function bowOf(edge: EdgeSingular, boxes: readonly Box[], choices: readonly number[], trails: readonly Point[]): number {
  const { a, b, length, across } = ends(edge);
  const reach = 170;
  const near = boxes.filter(
    (box) => box.id !== edge.source().id() && box.id !== edge.target().id() && distance(box, a, b, length) < reach,
  );
  const passed = trails.filter((point) => distance({ ...point, half: 0 }, a, b, length) < reach);
  let best = choices[0] as number;
  let fewest = Infinity;
  for (const bow of choices) {
    const hits = hit(a, b, across, bow, near, passed);
    if (hits < fewest) [best, fewest] = [bow, hits];
    if (hits === 0) break;
  }
  return Math.round(best);
}

/** A point of the curve of an edge. */
function onCurve(a: Point, b: Point, across: Point, bow: number, t: number): Point {
  const pull = { x: (a.x + b.x) / 2 + bow * across.x, y: (a.y + b.y) / 2 + bow * across.y };
  return {
    x: (1 - t) ** 2 * a.x + 2 * t * (1 - t) * pull.x + t ** 2 * b.x,
    y: (1 - t) ** 2 * a.y + 2 * t * (1 - t) * pull.y + t ** 2 * b.y,
  };
}

function trail(edge: EdgeSingular): Point[] {
  const { a, b, across } = ends(edge);
  return [0.3, 0.5, 0.7].map((t) => onCurve(a, b, across, edge.data("bow") as number, t));
}

function distance(box: Omit<Box, "id">, a: Point, b: Point, length: number): number {
  const along = Math.max(0, Math.min(1, ((box.x - a.x) * (b.x - a.x) + (box.y - a.y) * (b.y - a.y)) / length ** 2));
  return Math.hypot(box.x - a.x - along * (b.x - a.x), box.y - a.y - along * (b.y - a.y)) - box.half;
}

/** How many nodes a curve runs through, and half of the points that it runs along. */
function hit(a: Point, b: Point, across: Point, bow: number, boxes: readonly Box[], points: readonly Point[]): number {
  const met = new Set<Box>();
  const passed = new Set<Point>();
  const steps = Math.max(12, Math.min(60, Math.round(Math.hypot(b.x - a.x, b.y - a.y) / 16)));
  for (let k = 1; k < steps; k++) {
    const { x, y } = onCurve(a, b, across, bow, k / steps);
    for (const box of boxes)
      if (Math.abs(box.x - x) < box.half + 5 && Math.abs(box.y - y) < HEIGHT / 2 + 5) met.add(box);
    for (const point of points) if (Math.abs(point.x - x) < 10 && Math.abs(point.y - y) < 10) passed.add(point);
  }
  return met.size + passed.size / 2;
}
