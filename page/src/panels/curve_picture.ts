/** A curve with its band of intervals; of a node with levels, a point with its interval for each. */

import type { Answer } from "../served.js";
import { number } from "./columns.js";
import { s } from "./dom.js";

const WIDTH = 460;
const HEIGHT = 200;
const LEFT = 52;
const BOTTOM = 26;
const EDGE = 10;

type Point = { readonly x: number; readonly label: string; readonly answer: Answer };

export function curvePicture(node: string, points: readonly Point[], levels: boolean): { root: SVGSVGElement; mark: (x: number) => void } {
  const known = points.flatMap(({ x, label, answer }) => {
    const value = answer.mean ?? answer.median;
    return value === null ? [] : [{ x, label, value, low: answer.interval?.[0] ?? value, high: answer.interval?.[1] ?? value }];
  });
  const across = scaled(known.map(({ x }) => x), LEFT + (levels ? 40 : 0), WIDTH - EDGE - (levels ? 40 : 0));
  const up = scaled(known.flatMap(({ low, high }) => [low, high]), HEIGHT - BOTTOM, EDGE);
  const at = (x: number, y: number): string => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
  const band = [...known.map(({ x, high }) => at(x, high)), ...[...known].reverse().map(({ x, low }) => at(x, low))];
  const line = known.map(({ x, value }) => at(x, value));
  const cursor = s("line", { class: "curve-cursor", y1: EDGE, y2: HEIGHT - BOTTOM });
  const root = s(
    "svg",
    { class: "curve-picture", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `The answer for values of ${node}` },
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
    ...axis(levels ? [] : known.map(({ x }) => x), known.flatMap(({ low, high }) => [low, high]), across, up),
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

/** The ends of both axes, with their values. */
function axis(xs: readonly number[], ys: readonly number[], across: Scale, up: Scale): SVGElement[] {
  const ends = (values: readonly number[]): number[] => [Math.min(...values), Math.max(...values)];
  return [
    s("path", { class: "curve-axis", d: `M${LEFT} ${EDGE} V${HEIGHT - BOTTOM} H${WIDTH - EDGE}` }),
    ...ends(ys).map((y) => s("text", { x: LEFT - 5, y: up(y), "text-anchor": "end", "dominant-baseline": "central" }, number(y))),
    ...(xs.length === 0 ? [] : ends(xs)).map((x, k) => s("text", { x: across(x), y: HEIGHT - 4, "text-anchor": k === 0 ? "start" : "end" }, number(x))),
  ];
}
