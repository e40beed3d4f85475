/** A small picture of a graph: the same places as in the drawing, with the edges that a step takes away struck through. */

import { s } from "./dom.js";

export type Point = { readonly x: number; readonly y: number };
export type PictureNode = { readonly name: string; readonly at: Point; readonly role: string; readonly latent: boolean };
export type PictureEdge = { readonly tail: string; readonly head: string; readonly kind: string; readonly gone: boolean };

const HEIGHT = 24;
const LETTER = 7.2;
const MARGIN = 10;
const LONGEST = 14;
const CROSS = 4;
let pictures = 0;

/** The picture as an element, `says` being what a screen reader says of it. */
export function picture(nodes: readonly PictureNode[], edges: readonly PictureEdge[], says: string): SVGSVGElement {
  const name = `head-${++pictures}`;
  const places = spread(nodes);
  const frame = around([...places.values()]);
  const made = s("svg", {
    class: "picture",
    viewBox: `${frame.x} ${frame.y} ${frame.width} ${frame.height}`,
    width: Math.min(frame.width, 420),
    role: "img",
    "aria-label": says,
  });
  made.append(s("defs", {}, arrowhead(name)));
  for (const edge of edges) {
    const tail = places.get(edge.tail);
    const head = places.get(edge.head);
    if (tail && head) made.append(drawnEdge(edge, tail, head, name));
  }
  for (const node of nodes) made.append(drawnNode(node, places.get(node.name) as Box));
  return made;
}

type Box = Point & { readonly width: number };

/** Places close enough for a small picture, and no two boxes on each other. */
function spread(nodes: readonly PictureNode[]): Map<string, Box> {
  const xs = nodes.map((node) => node.at.x);
  const ys = nodes.map((node) => node.at.y);
  const widest = Math.max(...nodes.map((node) => widthOf(node.name)), 0);
  const across = scale(xs, widest + 34);
  const down = scale(ys, HEIGHT + 28);
  return new Map(
    nodes.map((node) => [node.name, { x: node.at.x * across, y: node.at.y * down, width: widthOf(node.name) }]),
  );
}

/** The factor that makes the smallest step between two places as long as `step`, within reason. */
function scale(values: readonly number[], step: number): number {
  const sorted = [...new Set(values.map((value) => Math.round(value)))].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((value, at) => value - (sorted[at] as number)).filter((gap) => gap > 12);
  if (gaps.length === 0) return 1;
  return Math.min(Math.max(step / Math.min(...gaps), 0.35), 1.4);
}

function widthOf(name: string): number {
  return Math.max(28, Math.min(name.length, LONGEST) * LETTER + 14);
}

function around(boxes: readonly Box[]): { x: number; y: number; width: number; height: number } {
  if (boxes.length === 0) return { x: 0, y: 0, width: 10, height: 10 };
  const left = Math.min(...boxes.map((box) => box.x - box.width / 2)) - MARGIN;
  const right = Math.max(...boxes.map((box) => box.x + box.width / 2)) + MARGIN;
  const top = Math.min(...boxes.map((box) => box.y)) - HEIGHT / 2 - MARGIN - 14;
  const bottom = Math.max(...boxes.map((box) => box.y)) + HEIGHT / 2 + MARGIN + 14;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function arrowhead(name: string): SVGMarkerElement {
  return s(
    "marker",
    { id: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
    s("path", { d: "M0 0 L8 4 L0 8 z", class: "picture-head" }),
  );
}

function drawnNode(node: PictureNode, box: Box): SVGGElement {
  const label = node.name.length > LONGEST ? `${node.name.slice(0, LONGEST - 1)}…` : node.name;
  const shape = s("rect", {
    x: box.x - box.width / 2,
    y: box.y - HEIGHT / 2,
    width: box.width,
    height: HEIGHT,
    rx: HEIGHT / 2,
  });
  const text = s("text", { x: box.x, y: box.y, "text-anchor": "middle", "dominant-baseline": "central" }, label);
  const kinds = ["picture-node", node.role && `is-${node.role}`, node.latent && "is-latent"].filter(Boolean).join(" ");
  return s("g", { class: kinds }, s("title", {}, node.name), shape, text);
}

function drawnEdge(edge: PictureEdge, tail: Box, head: Box, marker: string): SVGGElement {
  const both = edge.kind === "<->";
  const middle = bend(tail, head, both ? 0.22 : 0);
  const from = rim(tail, middle);
  const to = rim(head, middle);
  const path = s("path", {
    d: `M${from.x} ${from.y} Q${middle.x} ${middle.y} ${to.x} ${to.y}`,
    "marker-end": `url(#${marker})`,
    "marker-start": both ? `url(#${marker})` : null,
  });
  const kinds = ["picture-edge", both && "is-both", edge.gone && "is-gone"].filter(Boolean).join(" ");
  const words = `${edge.tail} ${edge.kind} ${edge.head}${edge.gone ? ", cut" : ""}`;
  const made = s("g", { class: kinds }, s("title", {}, words), path);
  if (edge.gone) made.append(cross(from, middle, to));
  return made;
}

function bend(a: Point, b: Point, by: number): Point {
  return { x: (a.x + b.x) / 2 + (b.y - a.y) * by, y: (a.y + b.y) / 2 - (b.x - a.x) * by };
}

/** Where the line from a box's middle towards a point leaves the box. */
function rim(box: Box, towards: Point): Point {
  const dx = towards.x - box.x;
  const dy = towards.y - box.y;
  if (dx === 0 && dy === 0) return box;
  const share = Math.min(
    dx === 0 ? Infinity : (box.width / 2 + 2) / Math.abs(dx),
    dy === 0 ? Infinity : (HEIGHT / 2 + 2) / Math.abs(dy),
    1,
  );
  return { x: box.x + dx * share, y: box.y + dy * share };
}

function cross(from: Point, middle: Point, to: Point): SVGPathElement {
  const x = (from.x + 2 * middle.x + to.x) / 4;
  const y = (from.y + 2 * middle.y + to.y) / 4;
  return s("path", {
    class: "picture-cross",
    d: `M${x - CROSS} ${y - CROSS} L${x + CROSS} ${y + CROSS} M${x - CROSS} ${y + CROSS} L${x + CROSS} ${y - CROSS}`,
  });
}
