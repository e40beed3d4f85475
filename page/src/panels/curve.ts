/** A question at many values of what is set: the curve with its band, and a slider that reads it. */

import type { Answer, SweepReply } from "../served.js";
import type { Store } from "../store.js";
import { estimate } from "./answers.js";
import { curvePicture } from "./curve_picture.js";
import { button, folded, h } from "./dom.js";
import type { Asking } from "./options.js";
import type { Session } from "./session.js";
import { staleMark } from "./stale.js";
import { fill } from "./waiting.js";

const POINTS = 21;

export function curve(store: Store, session: Session, options: Asking): HTMLElement {
  return folded("A curve: the question at many values of what is set", (body) => {
    const node = h("select", { id: "curve-node" });
    const ends = ["from", "to"].map((end) => h("input", { id: `curve-${end}`, type: "number", step: "any" }));
    const place = h("div", { class: "folded-body is-plain", id: "curve" });
    let asked: string | null = null;
    const mark = staleMark(store, session, () => (place.childElementCount > 0 ? asked : null));
    const fields = ends.map((field, at) => h("div", { class: "field is-short" }, h("label", { for: field.id }, at === 0 ? "from" : "to"), field));
    const all = h("p", { class: "quiet" });
    /** The values of a node that has only some. */
    const levels = (): readonly (string | number)[] | null => session.state.fit?.fit?.levels[node.value] ?? null;
    const draw = (): void => {
      const { questions, active } = store.state;
      const values = levels();
      const range = values ? { values } : { from: Number(ends[0]?.value), to: Number(ends[1]?.value), points: POINTS };
      asked = questions[active] ?? "";
      mark.dispatchEvent(new Event("renew"));
      const request = { query: asked, node: node.value, ...range };
      const reply = session.call<SweepReply>("sweep", { ...request, ...options.common });
      void fill(place, reply, ({ answers }) => [slider(request.node, answers, values !== null)]);
    };
    const show = (): void => {
      const set = [...store.roles].filter(([, role]) => role === "treatment").map(([name]) => name);
      if (set.join("\n") !== [...node.options].map((option) => option.value).join("\n"))
        node.replaceChildren(...set.map((name) => h("option", { value: name }, name)));
      const column = session.state.table?.columns.find(({ name }) => name === node.value);
      const range = [column?.minimum ?? 0, column?.maximum ?? 1];
      inwards(range as [number, number]).forEach((value, at) => ((ends[at] as HTMLInputElement).value = String(value)));
      const values = levels();
      for (const field of fields) field.hidden = values !== null;
      all.hidden = values === null;
      all.textContent = values ? `at each of its values: ${values.join(", ")}` : "";
    };
    node.addEventListener("change", () => {
      place.replaceChildren();
      show();
    });
    session.subscribe((_, changed) => {
      if (changed.has("fit")) show();
    });
    store.subscribe((_, changed) => {
      if (changed.has("verdicts") || changed.has("active")) show();
    });
    show();
    body.append(
      h("p", { class: "quiet" }, "The question in hand, with other values in place of the first one that it sets; the rest of it stays."),
      h(
        "div",
        { class: "row" },
        h("div", { class: "field" }, h("label", { for: "curve-node" }, "Set"), node),
        ...fields,
        all,
        button("Draw the curve", draw, { id: "curve-draw" }),
      ),
      mark,
      place,
    );
  });
}

/** A range to three digits, and no end of it outside. */
function inwards([low, high]: readonly [number, number]): [number, number] {
  const step = 10 ** (Math.floor(Math.log10(Math.max(Math.abs(low), Math.abs(high)) || 1)) - 2);
  const tidy = (value: number): number => Number(value.toPrecision(12));
  const [from, to] = [tidy(Math.ceil(tidy(low / step)) * step), tidy(Math.floor(tidy(high / step)) * step)];
  return from < to ? [from, to] : [low, high];
}

/** The curve with a slider along what is set. */
function slider(node: string, answers: readonly Answer[], levels: boolean): HTMLElement {
  const points = answers.map((answer, at) => {
    const value = answer.at?.[node] ?? at;
    return { answer, label: String(typeof value === "number" ? Number(value.toPrecision(4)) : value), x: levels ? at : Number(value) };
  });
  const middle = Math.floor(points.length / 2);
  const said = h("p", { class: "number", role: "status" });
  const { root, mark } = curvePicture(node, points, levels, answers[0]?.unit ?? "");
  const handle = h("input", { type: "range", min: 0, max: Math.max(points.length - 1, 0), step: 1, value: middle, "aria-label": `do(${node} = …)` });
  const read = (): void => {
    const point = points[Number(handle.value)];
    if (!point) return;
    const x = point.label;
    handle.setAttribute("aria-valuetext", x);
    said.textContent = `do(${node} = ${x}): ${estimate(point.answer)}`;
    mark(point.x);
  };
  handle.addEventListener("input", read);
  read();
  return h("div", { class: levels ? "curve is-levels" : "curve" }, root, handle, said);
}
