/** Answers: a number with its interval each, what the check of the fit says of it, cautions folded, and a picture. */

import type { Answer, AskReply } from "../served.js";
import type { Store } from "../store.js";
import { alike, number } from "./columns.js";
import { folded, h } from "./dom.js";
import { plot } from "./plot.js";
import { isOlder } from "./stale.js";
import type { Session } from "./session.js";

/** `left`: the questions that were not asked, each with why. */
export function answers(store: Store, session: Session, reply: AskReply | null, left: readonly string[]): Node[] {
  const made: Node[] = reply?.answers.map((answer) => card(store, session, answer)) ?? [];
  made.push(...left.map((words) => h("p", { class: "caution" }, `Not asked: ${words}`)));
  if (!reply) return made.length > 0 ? made : [h("p", { class: "quiet" }, "No question is written yet. Choose a treatment and an outcome under Question.")];
  if (session.state.pictures) made.push(plot(session, { kind: "answers" }, "The answers with their intervals"));
  made.push(folded("As text", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, reply.text))));
  return made;
}

function same(answer: Answer, question: string): boolean {
  const plain = (text: string): string => text.replace(/\s/g, "");
  return plain(answer.query) === plain(question) || answer.name === question;
}

/** Marked where its question is asked no more, or the graph is another since. */
function marks(store: Store, session: Session, answer: Answer): HTMLElement {
  const made = h("p", { class: "stale" });
  const show = (): void => {
    const other = !store.state.questions.some((question) => same(answer, question));
    const words = [isOlder(store, session) && "of the graph as it was when trained", other && "answers another question"];
    made.replaceChildren(...words.filter((each) => each !== false).map((each) => h("span", { class: "tag is-no" }, each)));
    made.hidden = made.childElementCount === 0;
  };
  let shown = false;
  const stop = store.subscribe((_, changed) => {
    if (shown && !made.isConnected) return stop();
    shown = made.isConnected;
    if (changed.has("reading") || changed.has("questions")) show();
  });
  show();
  return made;
}

function card(store: Store, session: Session, answer: Answer): HTMLElement {
  const made = h("div", { class: "answer", "data-query": answer.query }, h("p", {}, h("code", {}, answer.name ?? answer.query)), h("p", { class: "number" }, estimate(answer)));
  made.append(marks(store, session, answer));
  if (!answer.identified) made.append(h("p", {}, h("span", { class: "tag is-no" }, "not identified: the model's shapes decide, not the data")));
  if (!answer.converged) made.append(h("p", {}, h("span", { class: "tag is-no" }, "not converged")));
  if (answer.naive) made.append(h("p", { class: "quiet" }, `Seeing alone would say ${estimate(answer.naive)}.`));
  if (answer.fit) made.append(fitWord(answer.fit));
  if (answer.approximate) made.append(h("p", { class: "quiet" }, `approximate: ${answer.approximate}`));
  const cautions = [...answer.warnings, ...answer.notes, ...(answer.fit?.advice ?? [])];
  if (cautions.length > 0)
    made.append(folded(`Cautions (${cautions.length})`, (body) => body.append(h("ul", {}, ...cautions.map((each) => h("li", {}, each))))));
  return made;
}

function fitWord({ word, could_move }: NonNullable<Answer["fit"]>): HTMLElement {
  const moves = could_move === null || could_move === undefined ? "" : ` With another shape of the model it could differ by ±${number(could_move, 2)}.`;
  return h("p", { class: "quiet" }, `Check of the fit: ${word}.${moves}`);
}

/** The number and its interval. */
export function estimate({ mean, median, interval, level, unit }: Answer): string {
  const value = mean ?? median;
  if (value === null) return "no number";
  const what = mean === null ? "median " : "";
  const [shown, ...ends] = alike([value, ...(interval ?? [])], 3);
  const range = interval ? ` (${Math.round(100 * level)} % interval ${ends.join(" to ")})` : "";
  return `${what}${shown}${range}${unit ? ` ${unit}` : ""}`;
}
