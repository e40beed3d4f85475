/** What can be taken away: the fit, the answers, and the session as a script and as commands that give the same numbers. */

import type { DownloadKind } from "../served.js";
import { button, folded, h } from "./dom.js";
import type { Session } from "./session.js";
import { messageOf } from "./waiting.js";

const KINDS: readonly (readonly [DownloadKind, string])[] = [
  ["fit", "The fit (.ldo)"],
  ["study", "The study file"],
  ["script", "Python script"],
  ["commands", "Commands"],
  ["csv", "Answers, CSV"],
  ["json", "Answers, JSON"],
  ["latex", "Answers, LaTeX"],
  ["methods", "Methods paragraph"],
  ["report", "Report"],
];

export function downloads(session: Session): HTMLElement {
  return folded("Download", (body) => {
    const said = h("p", { class: "fault", role: "alert", hidden: true });
    const take = (kind: DownloadKind): void => {
      said.hidden = true;
      session.download(kind).catch((error: unknown) => {
        said.hidden = false;
        said.textContent = messageOf(error);
      });
    };
    const buttons = KINDS.map(([kind, words]) => button(words, () => take(kind), { "data-download": kind }));
    body.append(
      h("p", { class: "quiet" }, "Script and commands repeat what was trained and asked last, and give the same numbers. The study file has the model and the questions that stand in the page now."),
      h("div", { class: "row" }, ...buttons),
      said,
    );
  });
}
