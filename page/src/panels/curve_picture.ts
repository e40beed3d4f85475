/** A curve with its band of intervals; of a node with levels, a point with its interval for each. */

import type { Answer } from "../served.js";
import { number } from "./columns.js";
import { s } from "./dom.js";

const WIDTH = 460;
const HEIGHT = 200;
const LEFT = 52;
const BOTTOM = 32;
const EDGE = 10;

type Point = { readonly x: number; readonly label: string; readonly answer: Answer };

export function curvePicture(node: string, points: readonly Point[], levels: boolean, unit: string): { root: SVGSVGElement; mark: (x: number) => void } {
  const known = points.flatMap(({ x, label, answer }) => {
    const value = answer.mean ?? answer.median;
    return value === null ? [] : [{ x, label, value, low: answer.interval?.[0] ?? value, high: answer.interval?.[1] ?? value }];
  });
  const across = scaled(known.map(({ x }) => x), LEFT + (levels ? 40 : 0), WIDTH - EDGE - (levels ? 40 : 0));
  const up = scaled(known.flatMap(({ low, high }) => [low, high]), HEIGHT - BOTTOM, EDGE);
  const at = (x: number, y: number): string => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
  const band = [...known.map(({ x, high }) => at(x, high)), ...[...known].reverse().map(({ x, low }) => at(x, low))];
  const heights = known.flatMap(({ low, high }) => [low, high]);
  const zero = Math.min(...heights) < 0 && Math.max(...heights) > 0;
  const line = known.map(({ x, value }) => at(x, value));
  const cursor = s("line", { class: "curve-cursor", y1: EDGE, y2: HEIGHT - BOTTOM });
  const root = s(
    "svg",
    { class: "curve-picture", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `The answer for values of ${node}` },
    zero && s("line", { class: "curve-zero", x1: LEFT, x2: WIDTH - EDGE, y1: up(0), y2: up(0) }),
    ...(levels
      ? known.flatMap(({ x, value, low, high }) => [
          s("line", { class: "curve-line", x1: across(x), x2: across(x), y1: up(low), y2: up(high) }),
          s("circle", { class: "curve-point", cx: across(x), cy: up(value), r: 4 }),
        ])
      : [
          s("polygon", { class: "curve-band", points: band.join(" ").replaceAll(" ", ",") }),
          s("polyline", { class: "curve-line", points: line.join(" ").replaceAll(" ", ",") }),
        ]),
    cursor,
    ...(levels ? known.map(({ x, label }) => s("text", { x: across(x), y: HEIGHT - BOTTOM + 12, "text-anchor": "middle" }, label)) : []),
    ...axis(levels ? [] : known.map(({ x }) => x), heights, across, up),
    unit !== "" && s("text", { x: LEFT + 6, y: EDGE + 4 }, unit),
    s("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, `do(${node})`),
  );
  const mark = (x: number): void => {
    cursor.setAttribute("x1", String(across(x)));
    cursor.setAttribute("x2", String(across(x)));
  };
  return { root, mark };
}

type Scale = (value: number) => number;

/** From values to places. */
function scaled(values: readonly number[], from: number, to: number): Scale {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** Round values within a range: three to six of them. */
function ticks(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const rough = (high - low) / 4 || Math.abs(high) || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * ([1, 2, 5].find((each) => each * size >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** Both axes, with round values on them. */
function axis(xs: readonly number[], ys: readonly number[], across: Scale, up: Scale): SVGElement[] {
  return [
    s("path", { class: "curve-axis", d: `M${LEFT} ${EDGE} V${HEIGHT - BOTTOM} H${WIDTH - EDGE}` }),
    ...ticks(ys).map((y) => s("text", { x: LEFT - 5, y: up(y), "text-anchor": "end", "dominant-baseline": "central" }, number(y))),
    ...(xs.length === 0 ? [] : ticks(xs)).map((x) => s("text", { x: across(x), y: HEIGHT - BOTTOM + 12, "text-anchor": "middle" }, number(x))),
  ];
}
