/** What is asked: a list of questions, the one in hand as text, and the usual questions about two nodes. */

import type { CompleteReply } from "../contract.js";
import type { State, Store } from "../store.js";
import { Completion } from "./completion.js";
import { button, h } from "./dom.js";
import { experimentList } from "./experiments.js";
import { QuestionList } from "./question_list.js";
import { Templates } from "./templates.js";

export function mount(root: HTMLElement, store: Store): void {
  const field = h("input", {
    id: "question-text",
    type: "text",
    spellcheck: "false",
    autocapitalize: "off",
    placeholder: "P(Y | do(X))",
    "aria-describedby": "question-fault",
  });
  const fault = h("p", { id: "question-fault", class: "fault", hidden: true });
  let going = false;

  /** One step back undoes what was typed since the field was entered. */
  const write = (): void => {
    const { questions, active } = store.state;
    const changed = questions.length === 0 ? [field.value] : questions.map((old, at) => (at === active ? field.value : old));
    store.setQuestions(changed, active, !going);
    going = true;
  };
  const offer = (query: string, cursor: number, signal: AbortSignal): Promise<CompleteReply> =>
    store.bridge.call("complete", { text: store.state.text, query, cursor }, signal);
  const completion = new Completion(field, offer, write);
  field.addEventListener("input", write);
  field.addEventListener("blur", () => (going = false));

  const list = new QuestionList(store);
  const templates = new Templates(store, (text) => {
    const { questions, active } = store.state;
    const changed = questions.length === 0 ? [text] : questions.map((old, at) => (at === active ? text : old));
    store.setQuestions(changed, active);
  });
  const add = button("Ask another", () => {
    const { questions } = store.state;
    store.setQuestions([...questions, questions.at(-1) ?? ""], questions.length);
    field.focus();
    field.select();
  });

  root.append(
    templates.root,
    h("div", { class: "field" }, h("label", { for: "question-text" }, "Question"), field, completion.list),
    fault,
    list.root,
    h("div", { class: "row" }, add),
    experimentList(store),
  );

  const show = (state: State): void => {
    const text = state.questions[state.active] ?? "";
    if (field.value !== text) field.value = text;
    const verdict = state.verdicts?.verdicts[state.active];
    fault.hidden = !verdict || verdict.ok || text.trim() === "";
    fault.textContent = verdict && !verdict.ok ? verdict.error.message : "";
    field.setAttribute("aria-invalid", String(!fault.hidden));
  };
  store.subscribe((state, changed) => {
    if (changed.has("questions") || changed.has("active") || changed.has("verdicts")) show(state);
  });
  show(store.state);
}
