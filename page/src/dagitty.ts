// Where the nodes of a dagitty text stand: `X [exposure, pos="-1.2,0.4"]`. Python reads the graph, which has no places.

import type { Place } from "./store.js";

/** How near the nearest two nodes come, in the units of the drawing. */
const NEAREST = 110;
const WIDEST = 3000;
const NUMBER = String.raw`\s*(-?\d*\.?\d+(?:e-?\d+)?)\s*`;
const SPOT = new RegExp(String.raw`(?:"([^"]+)"|([\p{L}\p{N}_.]+))\s*\[[^\]]*?\bpos\s*=\s*"${NUMBER},${NUMBER}"`, "giu");

/** Empty where fewer than two nodes have places of their own. */
export function placesOf(content: string): ReadonlyMap<string, Place> {
  const spots = [...content.matchAll(SPOT)].map(([, quoted, plain, x, y]) => ({ name: quoted ?? plain ?? "", x: Number(x), y: Number(y) }));
  let nearest = Infinity;
  let widest = 0;
  for (const [at, one] of spots.entries())
    for (const other of spots.slice(at + 1)) {
      const apart = Math.hypot(one.x - other.x, one.y - other.y);
      nearest = Math.min(nearest, apart);
      widest = Math.max(widest, apart);
    }
  if (spots.length < 2 || nearest === 0) return new Map();
  const scale = Math.min(NEAREST / nearest, WIDEST / widest);
  return new Map(spots.map(({ name, x, y }) => [name, { x: Math.round(x * scale), y: Math.round(y * scale), kept: true }]));
}
