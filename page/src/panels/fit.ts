/** Training: an engine, what it would do, how far it is, and what came of it. */

import type { FitState } from "../served.js";
import type { Store } from "../store.js";
import { button, folded, h } from "./dom.js";
import { engineChoice } from "./engine.js";
import { fileField } from "./files.js";
import { Plan } from "./plan.js";
import { Progress, duration } from "./progress.js";
import { Session } from "./session.js";
import { isOlder } from "./stale.js";
import { messageOf } from "./waiting.js";

export function mount(root: HTMLElement, store: Store): void {
  const session = Session.of(store);
  const refused = h("p", { class: "fault", role: "alert", hidden: true });
  const drive = (verb: "fit" | "stop" | "resume"): void => {
    refused.hidden = true;
    session.drive(verb).catch((error: unknown) => {
      refused.hidden = false;
      refused.textContent = messageOf(error);
    });
  };
  const train = button("Train", () => drive("fit"), { class: "primary", id: "fit-train" });
  const stop = button("Stop", () => drive("stop"), { id: "fit-stop" });
  const resume = button("Go on", () => drive("resume"), { id: "fit-resume" });
  const plan = new Plan(store, session, () => show());
  const progress = new Progress();
  const result = h("div", { class: "folded-body is-plain", id: "fit-result" });
  const saved = fileField("fit-file", "Or open a fit that was saved (.ldo)", ".ldo", (file) => session.open(file));
  root.append(engineChoice(session), plan.root, h("div", { class: "row" }, train, stop, resume), refused, progress.root, result, saved.root);

  let told = "";
  function show(): void {
    const { fit, table } = session.state;
    const state = fit?.state ?? "none";
    root.dataset["fit"] = state;
    train.textContent = fit?.fit || state === "stopped" ? "Train anew" : "Train";
    train.disabled = state === "running" || table === null || store.state.reading?.kind !== "model" || plan.refused;
    if (plan.refused) refused.hidden = true; // the plan says why
    stop.hidden = state !== "running";
    resume.hidden = !fit?.goes_on;
    progress.show(fit);
    const older = isOlder(store, session);
    result.classList.toggle("is-older", state === "done" && older);
    // What is unfolded there stays so while another fit is trained.
    const { error = null, study = null, notes = [], fit: facts = null, table: earlier = null } = fit ?? {};
    const begun = (store.state.reading?.nodes.length ?? 0) > 0;
    const now = JSON.stringify([state, older, begun, error, study, state === "done" && notes, facts, earlier]);
    if (now === told) return;
    told = now;
    result.replaceChildren(...(fit ? outcome(store, fit) : []));
  }
  session.subscribe((_, changed) => {
    if (changed.has("fit") || changed.has("table")) {
      saved.clear();
      show();
    }
  });
  store.subscribe((_, changed) => {
    if (changed.has("reading")) show();
  });
  show();
}

/** Removes the fit once it is said twice; asks with what goes then. */
function forgetting(store: Store): HTMLElement {
  const root = h("div", { class: "row is-small", id: "fit-forget" });
  const offer = (): void => root.replaceChildren(button("Forget the fit", ask));
  const ask = (): void =>
    root.replaceChildren(
      h("p", { class: "caution" }, "The fit, its answers and its copy of the rows are removed from this machine's temporary folder. Nothing brings them back: take away the fit first, if you want to keep it."),
      button("Remove them", () => void Session.of(store).forget("fit").catch((error) => store.complain(error))),
      button("Keep them", offer),
    );
  offer();
  return root;
}

/** What came of the fit. */
function outcome(store: Store, fit: FitState): Node[] {
  const made: Node[] = [];
  if (fit.error) made.push(h("p", { class: "fault" }, fit.error.message));
  if (fit.state === "stopped") made.push(h("p", {}, "Stopped. What was done is kept, and Go on goes on from there."));
  const { fit: facts } = fit;
  if (!facts) return made;
  if (fit.state !== "done")
    made.push(h("p", { class: "quiet", id: "fit-earlier" }, "Below is the fit that was there before. It and its answers stay until a new one is done."));
  const { study } = fit;
  if (study && isOlder(store, Session.of(store))) {
    const questions = (study.queries ?? []).map((query) => (typeof query === "string" ? query : query[1]));
    const open = button("Show its model", () => store.open({ text: study.text, questions }));
    const begun = (store.state.reading?.nodes.length ?? 0) > 0;
    const words = begun
      ? "This fit is of another model than that of now, and so are its answers. Train anew for the model of now."
      : "This fit is kept, and so are its answers. It is of the model that stood here before.";
    made.push(h("div", { class: "caution", id: "fit-older" }, h("p", {}, words), open));
  }
  if (fit.table) made.push(h("p", { class: "caution", id: "fit-table" }, `This fit is of ${fit.table} as it was when trained, and another table was brought since. Train anew for that one.`));
  const word = facts.converged ? "Converged" : "Not converged";
  const kind = facts.converged ? "yes" : "no";
  made.push(
    h("p", { class: `verdict is-${kind}`, id: "fit-word", title: facts.engine }, h("strong", {}, word), `: ${facts.engine.replace(/\(.*/s, "")}, ${facts.n_rows.toLocaleString("en")} rows, ${duration(facts.seconds)}, seed ${facts.seed}.`),
  );
  if (facts.doubt) made.push(h("p", { class: "caution" }, facts.doubt));
  if (facts.word) made.push(h("p", {}, "The check of the fit says ", h("strong", {}, facts.word), "."));
  if (fit.state === "done") made.push(...fit.notes.map((note) => h("p", { class: "quiet" }, note)));
  const { warnings } = facts;
  if (warnings.length > 0)
    made.push(folded(`Cautions (${warnings.length})`, (body) => body.append(h("ul", {}, ...warnings.map((each) => h("li", {}, each))))));
  made.push(folded("The fit in numbers", (body) => body.append(h("pre", { class: "printed wide", tabindex: 0 }, facts.summary))));
  made.push(forgetting(store));
  return made;
}
