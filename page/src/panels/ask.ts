/** Asking the fit: answers with intervals, a curve with a slider, the model beside its rivals, and files to take away. */

import { answers } from "./answers.js";
import { comparison } from "./compare.js";
import { curve } from "./curve.js";
import { button, h } from "./dom.js";
import { downloads } from "./downloads.js";
import { Asking } from "./options.js";
import { Session } from "./session.js";
import type { Store } from "../store.js";
import type { AskReply } from "../served.js";
import { fill } from "./waiting.js";

export function mount(root: HTMLElement, store: Store): void {
  const session = Session.of(store);
  const options = new Asking();
  const hint = h("p", { class: "quiet" }, "Train a model, or open a fit, and ask it.");
  const place = h("div", { class: "folded-body is-plain", id: "answers", "aria-live": "polite" });
  const ask = (): void => {
    void fill(place, asked(), ({ reply, left }) => answers(store, session, reply, left));
  };
  const asked = async (): Promise<{ reply: AskReply | null; left: readonly string[] }> => {
    const { queries, left } = options.allowed ? { queries: [...store.state.questions], left: [] } : await session.askable();
    const reply = queries.length > 0 ? await session.call<AskReply>("ask", { queries, ...options.request }) : null;
    return { reply, left };
  };
  const body = h(
    "div",
    { class: "folded-body is-plain" },
    options.root,
    h("div", { class: "row" }, button("Ask the questions", ask, { class: "primary", id: "ask-all" })),
    place,
    curve(store, session, options),
    comparison(store, session, options),
    downloads(session),
  );
  root.append(hint, body);
  let of = "";
  const show = (): void => {
    const done = (session.state.fit?.fit ?? null) !== null;
    hint.hidden = done;
    body.hidden = !done;
    const { fit } = session.state;
    const now = JSON.stringify([fit?.opened, fit?.study, fit?.fit?.seconds, fit?.fit?.summary]);
    if (now === of) return;
    of = now;
    for (const results of body.querySelectorAll("#answers, #curve, #comparison")) results.replaceChildren();
  };
  session.subscribe((_, changed) => {
    if (changed.has("fit")) show();
  });
  show();
}
