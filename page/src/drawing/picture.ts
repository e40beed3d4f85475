// The drawing as a file: every node and edge where it stands on the page, on white.

import type { EdgeSingular, NodeSingular } from "cytoscape";

import { typedEdge } from "../names.js";
import { s } from "../panels/dom.js";
import type { Drawing, Point } from "./canvas.js";
import { HEIGHT } from "./looks.js";

const INK = { node: "#6b727a", edge: "#5d646c", arc: "#7d4f99", inhibits: "#a02c3f", text: "#1b1f24" };
const FILLS: { readonly [role: string]: string } = { treatment: "#dcecf7", outcome: "#fbe3d6", given: "#d9f0e8" };
const LINES: { readonly [role: string]: string } = { treatment: "#0072b2", outcome: "#d55e00", given: "#00815f" };
const MARGIN = 24;

/** The drawing as the text of an SVG file. */
export function svgOf(drawing: Drawing): string {
  const { cy } = drawing;
  const box = cy.elements().boundingBox({ includeOverlays: false, includeUnderlays: false });
  const [x, y] = [box.x1 - MARGIN, box.y1 - MARGIN];
  const [width, height] = [box.w + 2 * MARGIN, box.h + 2 * MARGIN];
  const image = s("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: [x, y, width, height].map(Math.round).join(" "),
    width: Math.round(width),
    height: Math.round(height),
    "font-family": "system-ui, sans-serif",
    "font-size": 14,
    role: "img",
  });
  const edges = cy.edges().map((edge) => typedEdge({ tail: edge.data("tail"), head: edge.data("head"), kind: edge.data("kind") }));
  image.append(s("title", {}, `Graph: ${edges.join("; ")}`));
  image.append(s("rect", { x, y, width, height, fill: "#ffffff" }));
  cy.edges().forEach((edge) => image.append(edgeOf(edge)));
  cy.nodes().forEach((node) => image.append(nodeOf(node)));
  return new XMLSerializer().serializeToString(image);
}

/** The same as an image of dots, for slides and for programs that take no SVG. */
export async function pngOf(drawing: Drawing, scale = 3): Promise<Blob> {
  const source = svgOf(drawing);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
  await image.decode();
  const sheet = document.createElement("canvas");
  const most = Math.min(scale, 8000 / image.width, 8000 / image.height);
  [sheet.width, sheet.height] = [Math.round(image.width * most), Math.round(image.height * most)];
  sheet.getContext("2d")?.drawImage(image, 0, 0, sheet.width, sheet.height);
  return new Promise((done, fail) =>
    sheet.toBlob((blob) => (blob ? done(blob) : fail(new Error("The browser could not make a PNG of this drawing.")))),
  );
}

function nodeOf(node: NodeSingular): SVGElement {
  const at = node.position();
  const { width, latent, role, label } = node.data() as { width: number; latent: boolean; role: string; label: string };
  const shape = s("rect", {
    x: at.x - width / 2,
    y: at.y - HEIGHT / 2,
    width,
    height: HEIGHT,
    rx: role === "given" ? 0 : HEIGHT / 2,
    fill: FILLS[role] ?? (latent ? "#eceff2" : "#ffffff"),
    stroke: LINES[role] ?? INK.node,
    "stroke-width": role ? 2.5 : 1.5,
    "stroke-dasharray": latent ? "5 4" : null,
  });
  const words = s("text", { x: at.x, y: at.y + 5, "text-anchor": "middle", fill: INK.text }, label);
  return s("g", {}, shape, words);
}

function edgeOf(edge: EdgeSingular): SVGElement {
  const kind = edge.data("kind") as string;
  const [from, to] = [edge.sourceEndpoint(), edge.targetEndpoint()];
  const pull = edge.data("bow") ? edge.controlPoints()?.[0] : undefined;
  const colour = kind === "<->" ? INK.arc : kind === "-|" ? INK.inhibits : INK.edge;
  const path = s("path", {
    d: pull ? `M${from.x} ${from.y}Q${pull.x} ${pull.y} ${to.x} ${to.y}` : `M${from.x} ${from.y}L${to.x} ${to.y}`,
    fill: "none",
    stroke: colour,
    "stroke-width": 1.6,
    "stroke-dasharray": kind === "<->" ? "6 4" : null,
  });
  const drawn = s("g", {}, path, head(to, pull ?? from, colour, kind === "-|"));
  if (kind === "<->") drawn.append(head(from, pull ?? to, colour, false));
  const label = edge.data("label") as string;
  const middle = edge.midpoint();
  if (label) drawn.append(s("text", { x: middle.x, y: middle.y - 4, "text-anchor": "middle", "font-size": 11, fill: colour }, label));
  return drawn;
}

/** The end of an edge, where it points. */
function head(at: Point, from: Point, colour: string, tee: boolean): SVGElement {
  const length = Math.hypot(at.x - from.x, at.y - from.y) || 1;
  const [dx, dy] = [(at.x - from.x) / length, (at.y - from.y) / length];
  const spot = (along: number, across: number): string => `${at.x - along * dx - across * dy} ${at.y - along * dy + across * dx}`;
  if (tee) return s("path", { d: `M${spot(0, 7)}L${spot(0, -7)}`, stroke: colour, "stroke-width": 2.4 });
  return s("path", { d: `M${spot(0, 0)}L${spot(9, 4.5)}L${spot(9, -4.5)}Z`, fill: colour });
}
