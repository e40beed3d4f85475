/** Where the nodes of a small picture stand: as in the drawing, else in layers from causes to effects. */

import type { Store } from "../store.js";
import type { PictureEdge, PictureNode, Point } from "./picture.js";

const ACROSS = 90;
const DOWN = 70;

export function pictureNodes(store: Store, names: readonly string[], edges: readonly PictureEdge[]): PictureNode[] {
  const { places } = store.state;
  const known = names.every((name) => places.has(name));
  const own = known ? new Map<string, Point>() : layers(names, edges);
  const roles = store.roles;
  return names.map((name) => ({
    name,
    at: (known ? places.get(name) : own.get(name)) ?? { x: 0, y: 0 },
    role: roles.get(name) ?? "",
    latent: false,
  }));
}

/** Each node one layer below its lowest cause. */
function layers(names: readonly string[], edges: readonly PictureEdge[]): Map<string, Point> {
  const depth = new Map(names.map((name) => [name, 0]));
  const arrows = edges.filter((edge) => edge.kind !== "<->");
  for (let round = 0; round < names.length; round++) {
    for (const { tail, head } of arrows)
      depth.set(head, Math.max(depth.get(head) ?? 0, Math.min((depth.get(tail) ?? 0) + 1, names.length)));
  }
  const filled = new Map<number, number>();
  return new Map(
    names.map((name) => {
      const row = depth.get(name) ?? 0;
      const at = filled.get(row) ?? 0;
      filled.set(row, at + 1);
      return [name, { x: row * ACROSS, y: at * DOWN + (row % 2) * 8 }];
    }),
  );
}
