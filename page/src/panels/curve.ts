/** A question at many values of what is set: the curve with its band, and a slider that reads it. */

import type { Answer, SweepReply } from "../served.js";
import type { Store } from "../store.js";
import { estimate } from "./answers.js";
import { curvePicture } from "./curve_picture.js";
import { button, folded, h } from "./dom.js";
import type { Asking } from "./options.js";
import type { Session } from "./session.js";
import { fill } from "./waiting.js";

const POINTS = 21;

export function curve(store: Store, session: Session, options: Asking): HTMLElement {
  return folded("A curve: the question at many values of what is set", (body) => {
    const node = h("select", { id: "curve-node" });
    const ends = ["from", "to"].map((end) => h("input", { id: `curve-${end}`, type: "number", step: "any" }));
    const place = h("div", { class: "folded-body is-plain", id: "curve" });
    const draw = (): void => {
      const { questions, active } = store.state;
      const request = { query: questions[active] ?? "", node: node.value, from: Number(ends[0]?.value), to: Number(ends[1]?.value), points: POINTS };
      const reply = session.call<SweepReply>("sweep", { ...request, ...options.common });
      void fill(place, reply, ({ answers }) => [slider(node.value, answers)]);
    };
    const show = (): void => {
      const set = [...store.roles].filter(([, role]) => role === "treatment").map(([name]) => name);
      if (set.join("\n") !== [...node.options].map((option) => option.value).join("\n"))
        node.replaceChildren(...set.map((name) => h("option", { value: name }, name)));
      const column = session.state.table?.columns.find(({ name }) => name === node.value);
      const range = [column?.minimum ?? 0, column?.maximum ?? 1];
      ends.forEach((field, at) => (field.value = String(Number((range[at] as number).toPrecision(3)))));
    };
    node.addEventListener("change", show);
    store.subscribe((_, changed) => {
      if (changed.has("verdicts") || changed.has("active")) show();
    });
    show();
    body.append(
      h("p", { class: "quiet" }, "The question in hand, with the value of its treatment replaced."),
      h(
        "div",
        { class: "row" },
        h("div", { class: "field" }, h("label", { for: "curve-node" }, "Set"), node),
        ...ends.map((field, at) => h("div", { class: "field is-short" }, h("label", { for: field.id }, at === 0 ? "from" : "to"), field)),
        button("Draw the curve", draw, { id: "curve-draw" }),
      ),
      place,
    );
  });
}

/** The curve with a slider along what is set. */
function slider(node: string, answers: readonly Answer[]): HTMLElement {
  const points = answers.map((answer, at) => ({ answer, x: Number(answer.at?.[node] ?? at) }));
  const middle = Math.floor(points.length / 2);
  const said = h("p", { class: "number", role: "status" });
  const { root, mark } = curvePicture(node, points);
  const handle = h("input", { type: "range", min: 0, max: Math.max(points.length - 1, 0), step: 1, value: middle, "aria-label": `do(${node} = …)` });
  const read = (): void => {
    const point = points[Number(handle.value)];
    if (!point) return;
    const x = String(Number(point.x.toPrecision(4)));
    handle.setAttribute("aria-valuetext", x);
    said.textContent = `do(${node} = ${x}): ${estimate(point.answer)}`;
    mark(point.x);
  };
  handle.addEventListener("input", read);
  read();
  return h("div", { class: "curve" }, root, handle, said);
}
