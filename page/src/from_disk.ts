// A page that was opened as a file: browsers let no file start Python, so that there is nothing but a way to say how it is done.

import { h } from "./panels/dom.js";

export const fromDisk = (): boolean => location.protocol === "file:";

export function sayHow(root: HTMLElement): void {
  root.replaceChildren(
    h(
      "div",
      { id: "from-disk", role: "alert" },
      h("h1", {}, "latentdo"),
      h("p", {}, "This page was opened as a file, and browsers let no file start Python. Let a web server show it. In a terminal:"),
      h("pre", { tabindex: 0 }, `python -m http.server --bind 127.0.0.1 --directory ${quoted(folder())}`),
      h("p", {}, "Then open http://127.0.0.1:8000 in this browser. Nothing is sent anywhere."),
    ),
  );
}

/** The folder of this file, as the system writes it. */
function folder(): string {
  const path = decodeURIComponent(location.pathname).replace(/\/[^/]*$/, "");
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path || "/";
}

/** A path as a word of the shell that the system has. */
function quoted(path: string): string {
  if (/^[\w@%+=:,./-]+$/.test(path)) return path;
  return /^[A-Za-z]:/.test(path) ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`;
}
