/** How often each value of a column is seen, as bars. */

import type { Column } from "../served.js";
import { s } from "./dom.js";

const WIDTH = 96;
const HEIGHT = 26;
const MOST = 24;

export function histogram(column: Column): SVGSVGElement {
  const counts = column.kind === "names" ? column.levels.slice(0, MOST).map(({ count }) => count) : column.bins.map(({ count }) => count);
  const top = Math.max(...counts, 1);
  const wide = WIDTH / Math.max(counts.length, 1);
  const bars = counts.map((count, at) => {
    const high = count > 0 ? Math.max((count / top) * HEIGHT, 1) : 0;
    return s("rect", { x: at * wide + 0.5, y: HEIGHT - high, width: Math.max(wide - 1, 0.5), height: high });
  });
  const says = `${counts.length} bars; the highest has ${top} rows`;
  return s("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": says }, ...bars);
}
