// What is told besides: refusals that stay until they are put away, and words for those who listen.

import { button, h } from "./panels/dom.js";

/** How long a note stands; one that holds a report stands longer. */
const STANDS = { short: 8000, long: 20_000 };

export type Kind = "fault" | "note";

/** Show a notice; `more` is folded below it. */
export function notify(words: string, kind: Kind = "note", more = ""): void {
  const root = document.getElementById("notices") as HTMLElement;
  const lines = words.split("\n").filter((line) => line.trim() !== "");
  const notice = h(
    "div",
    { class: `notice is-${kind}` },
    h("p", {}, lines[0] ?? ""),
    lines.length > 1 && h("pre", {}, words.split("\n").slice(1).join("\n")),
    more && h("details", {}, h("summary", {}, "What was read"), h("pre", {}, more)),
    button("✕", () => notice.remove(), { class: "icon", "aria-label": "Put away" }),
  );
  // The same words again are one notice.
  for (const old of [...root.children]) if (old.firstElementChild?.textContent === lines[0] || root.children.length > 3) old.remove();
  root.append(notice);
  if (kind === "note") passing(notice, more ? STANDS.long : STANDS.short);
}

/** Put away a notice that holds no more. */
export function putAway(words: string): void {
  const root = document.getElementById("notices") as HTMLElement;
  for (const notice of [...root.children]) if (notice.firstElementChild?.textContent === words.split("\n")[0]) notice.remove();
}

/** Put a notice away after a while in which nobody points at it, is in it or has opened it. */
function passing(notice: HTMLElement, after: number): void {
  setTimeout(() => {
    if (!notice.isConnected) return;
    if (notice.matches(":hover, :focus-within, :has(details[open])")) passing(notice, STANDS.short);
    else notice.remove();
  }, after);
}

/** Say something to those who listen. */
export function announce(words: string): void {
  const live = document.getElementById("live") as HTMLElement;
  // The same words twice are said twice.
  live.textContent = live.textContent === words ? `${words}\u00a0` : words;
}
