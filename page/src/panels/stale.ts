/** Says of a result where it stands that the graph or the question has changed since. */

import type { Store } from "../store.js";
import { h } from "./dom.js";
import type { Session } from "./session.js";

/** Whether the fit is of another text than that of now. */
export function isOlder(store: Store, session: Session): boolean {
  const study = session.state.fit?.study;
  return study !== null && study !== undefined && study.text.trim() !== store.state.text.trim();
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
    if (changed.has("text") || changed.has("questions") || changed.has("active")) show();
  });
  session.subscribe((_, changed) => {
    if (changed.has("fit")) show();
  });
  mark.addEventListener("renew", show);
  return mark;
}
