// How nodes and edges look. Colours stand once, in style.css, for light and for dark.

import type { StylesheetStyle } from "cytoscape";

import { shown } from "../names.js";
import type { PageNode, Role } from "../contract.js";

export const HEIGHT = 32;
/** How far edges end before a node: rings and highlights have this room, and cover no arrowhead. */
const GAP = 5;
const FONT = "14px system-ui, sans-serif";
/** What stands in front of a name, so that a role is not told by colour alone. */
export const SIGNS: { readonly [role in Role]: string } = { treatment: "▶", outcome: "◎", given: "▣" };
export const ROLES: { readonly [role in Role]: string } = {
  treatment: "treatment: what is set",
  outcome: "outcome: what is asked about",
  given: "given: what is seen",
};

const ruler = document.createElement("canvas").getContext("2d");

/** What is written in a node, and how wide it is: with room for a sign, so that nothing moves when it gets one. */
export function labelOf(node: PageNode, role: Role | undefined): { label: string; width: number } {
  const label = role ? `${SIGNS[role]} ${shown(node.name)}` : shown(node.name);
  if (!ruler) return { label, width: 24 + label.length * 8 };
  ruler.font = FONT;
  return { label, width: Math.max(44, Math.ceil(ruler.measureText(`${SIGNS.treatment} ${shown(node.name)}`).width) + 20) };
}

/** Reads a colour of the style sheet as the page shows it now. */
function colours(): (name: string) => string {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = getComputedStyle(probe);
  const found = new Map<string, string>();
  const colour = (name: string): string => {
    let value = found.get(name);
    if (value === undefined) {
      probe.style.color = `var(--${name})`;
      found.set(name, (value = read.color));
    }
    return value;
  };
  queueMicrotask(() => probe.remove());
  return colour;
}

export function looks(): StylesheetStyle[] {
  const colour = colours();
  const role = (name: Role, shape: string): StylesheetStyle => ({
    selector: `node[role="${name}"]`,
    style: {
      shape: shape as "ellipse",
      "background-color": colour(`${name}-fill`),
      "border-color": colour(name),
      "border-width": 2.5,
    },
  });
  return [
    {
      selector: "node",
      style: {
        width: "data(width)",
        height: HEIGHT,
        shape: "round-rectangle",
        "corner-radius": `${HEIGHT / 2}px`,
        "background-color": colour("node-fill"),
        "border-color": colour("node-line"),
        "border-width": 1.5,
        label: "data(label)",
        color: colour("ink"),
        "font-family": "system-ui, sans-serif",
        "font-size": 14,
        "text-valign": "center",
        "text-halign": "center",
        "overlay-opacity": 0,
      },
    },
    { selector: "node[?latent]", style: { "border-style": "dashed", "background-color": colour("latent-fill") } },
    role("treatment", "round-rectangle"),
    role("outcome", "round-rectangle"),
    { ...role("given", "rectangle") },
    {
      selector: "edge",
      style: {
        width: 1.6,
        "line-color": colour("edge"),
        "curve-style": "straight",
        "target-arrow-shape": "triangle",
        "target-arrow-color": colour("edge"),
        "source-arrow-color": colour("edge"),
        "arrow-scale": 1.1,
        "source-distance-from-node": GAP,
        "target-distance-from-node": GAP,
        "overlay-opacity": 0,
      },
    },
    {
      selector: "edge[?bow]",
      style: {
        "curve-style": "unbundled-bezier",
        "control-point-distances": "data(bow)" as unknown as number,
        "control-point-weights": 0.5,
        "edge-distances": "node-position",
      },
    },
    {
      selector: 'edge[kind="-|"]',
      style: {
        "target-arrow-shape": "tee",
        "arrow-scale": 1.9,
        "target-distance-from-node": GAP + 1,
        "line-color": colour("inhibits"),
        "target-arrow-color": colour("inhibits"),
      },
    },
    {
      selector: 'edge[kind="<->"]',
      style: {
        "line-style": "dashed",
        "line-dash-pattern": [6, 4],
        "source-arrow-shape": "triangle",
        "line-color": colour("arc"),
        "target-arrow-color": colour("arc"),
        "source-arrow-color": colour("arc"),
      },
    },
    {
      selector: "edge[?label]",
      style: {
        label: "data(label)",
        color: colour("arc"),
        "font-size": 11,
        "text-background-color": colour("paper"),
        "text-background-opacity": 1,
        "text-background-padding": "2px",
      },
    },
    { selector: ".faint", style: { opacity: 0.3 } },
    {
      selector: "node.hedge",
      style: { "underlay-color": colour("hedge"), "underlay-opacity": 0.45, "underlay-padding": GAP },
    },
    {
      selector: "edge.hedge",
      style: { "underlay-color": colour("hedge"), "underlay-opacity": 0.45, "underlay-padding": 5, width: 2.6 },
    },
    { selector: "node.core", style: { "underlay-opacity": 0.85 } },
    {
      selector: "node.lit",
      style: { "underlay-color": colour("lit"), "underlay-opacity": 0.9, "underlay-padding": GAP },
    },
    {
      selector: "edge.lit",
      style: { "underlay-color": colour("lit"), "underlay-opacity": 0.9, "underlay-padding": 5, width: 2.6 },
    },
    {
      selector: "edge.cut",
      style: { "line-style": "dotted", opacity: 0.35, "source-arrow-shape": "none", "target-arrow-shape": "none" },
    },
    {
      selector: "node:selected, node.chosen",
      style: { "outline-color": colour("accent"), "outline-width": 3, "outline-offset": 1.5, "outline-opacity": 1 },
    },
    {
      selector: "edge:selected",
      style: {
        width: 3,
        "line-color": colour("accent"),
        "target-arrow-color": colour("accent"),
        "source-arrow-color": colour("accent"),
      },
    },
    {
      selector: "node.target",
      style: { "outline-color": colour("accent"), "outline-width": 4, "outline-offset": 1, "outline-opacity": 1 },
    },
  ];
}
