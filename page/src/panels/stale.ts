/** Says of a result where it stands that the graph or the question has changed since. */

import type { Store } from "../store.js";
import { h } from "./dom.js";
import type { Session } from "./session.js";

/** Whether the fit is of another model than that of now; comments and blanks make no other one. */
export function isOlder(store: Store, session: Session): boolean {
  const { fit } = session.state;
  return fit !== null && fit.study !== null && fit.canonical !== store.state.reading?.canonical;
}

/** A line for a place with results: `asked` says which question they answer, null while there are none. */
export function staleMark(store: Store, session: Session, asked: () => string | null): HTMLElement {
  const mark = h("p", { class: "caution stale", hidden: true });
  const show = (): void => {
    const query = asked();
    const { questions, active } = store.state;
    const said: string[] = [];
    if (query !== null && isOlder(store, session)) said.push("Of the graph as it was when trained.");
    if (query !== null && query !== (questions[active] ?? "")) said.push(`Answers another question: ${query}.`);
    mark.hidden = said.length === 0;
    mark.textContent = said.join(" ");
  };
  store.subscribe((_, changed) => {
    if (changed.has("reading") || changed.has("questions") || changed.has("active")) show();
  });
  session.subscribe((_, changed) => {
    if (changed.has("fit")) show();
  });
  mark.addEventListener("renew", show);
  return mark;
}
