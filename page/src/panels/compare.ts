/** The model beside its rivals on the same rows. */

import type { CompareReply } from "../served.js";
import type { Store } from "../store.js";
import { alike, number } from "./columns.js";
import { button, folded, h, table } from "./dom.js";
import type { Asking } from "./options.js";
import { plot } from "./plot.js";
import type { Session } from "./session.js";
import { staleMark } from "./stale.js";
import { fill } from "./waiting.js";

export function comparison(store: Store, session: Session, options: Asking): HTMLElement {
  return folded("Compare the model with its rivals", (body) => {
    const choice = h("fieldset", { class: "row" }, h("legend", {}, "Methods; none chosen is all of them"));
    const place = h("div", { class: "folded-body is-plain", id: "comparison" });
    let asked: string | null = null;
    const mark = staleMark(store, session, () => (place.childElementCount > 0 ? asked : null));
    const boxes = session.state.methods.map((method) => {
      const box = h("input", { type: "checkbox", value: method });
      choice.append(h("label", { class: "check-label" }, box, method));
      return box;
    });
    const compare = (): void => {
      const { questions, active } = store.state;
      const methods = boxes.filter((box) => box.checked).map((box) => box.value);
      asked = questions[active] ?? "";
      mark.dispatchEvent(new Event("renew"));
      const request = { queries: [questions[active] ?? ""], ...(methods.length > 0 && { methods }), ...options.common, allow_unidentified: options.allowed };
      void fill(place, session.call<CompareReply>("compare", request), (reply) => parts(session, reply));
    };
    body.append(choice, h("div", { class: "row" }, button("Compare", compare, { id: "compare-all" })), mark, place);
  });
}

function parts(session: Session, reply: CompareReply): Node[] {
  const rows = reply.rows.map((row) => [
    row.method,
    row.estimate === null ? "does not apply" : number(row.estimate, 3),
    row.sd === null ? "" : number(row.sd, 2),
    row.lower === null || row.upper === null ? "" : alike([row.lower, row.upper], 3).join(" to "),
    [row.note, ...row.warnings].filter(Boolean).join(" "),
  ]);
  const made: Node[] = [table(reply.rows[0]?.query ?? "", ["method", "estimate", "SE", "interval", "note"], rows)];
  if (session.state.pictures) made.push(plot(session, { kind: "compare" }, "The methods with their intervals"));
  made.push(folded("As text", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, reply.text))));
  return made;
}
