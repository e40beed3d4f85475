/** All the questions, each with a mark for its verdict; the one in hand is the one that the drawing shows. */

import type { State, Store } from "../store.js";
import { button, h } from "./dom.js";
import { standing } from "./standing.js";

export class QuestionList {
  readonly root = h("ul", { class: "questions", "aria-label": "Questions" });

  constructor(private readonly store: Store) {
    store.subscribe((state, changed) => {
      if (changed.has("questions") || changed.has("active") || changed.has("verdicts")) this.show(state);
    });
    this.show(store.state);
  }

  private show(state: State): void {
    this.root.hidden = state.questions.length < 2;
    const focused = [...this.root.querySelectorAll("button")].findIndex((each) => each === document.activeElement);
    this.root.replaceChildren(...state.questions.map((question, at) => this.row(state, question, at)));
    this.root.querySelectorAll("button")[focused]?.focus();
  }

  private row(state: State, question: string, at: number): HTMLLIElement {
    const { sign, word, name } = standing(state.verdicts?.verdicts[at] ?? null);
    const pick = button("", () => this.store.setQuestions(state.questions, at, false), {
      class: "question",
      "aria-pressed": String(at === state.active),
    });
    pick.append(
      h("span", { class: `stand is-${name}`, "aria-hidden": "true" }, sign),
      h("code", {}, question || "(empty)"),
      h("span", { class: "unseen" }, `: ${word}`),
    );
    const remove = button("×", () => this.remove(at), { class: "plain", "aria-label": `Remove the question ${question}` });
    return h("li", {}, pick, remove);
  }

  private remove(at: number): void {
    const { questions, active } = this.store.state;
    this.store.setQuestions(
      questions.filter((_, other) => other !== at),
      active > at ? active - 1 : active,
    );
  }
}
