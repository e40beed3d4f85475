// The text, which is the document: numbered lines, and the place that cannot be read marked in it.

import { h, button } from "./panels/dom.js";
import type { Store } from "./store.js";

const PAUSE = 220;

export function mountEditor(root: HTMLElement, store: Store, importText: (content: string) => Promise<boolean>): void {
  const numbers = h("div", { class: "numbers", "aria-hidden": "true" });
  const marks = h("pre", { class: "marks", "aria-hidden": "true" });
  const field = h("textarea", {
    class: "text",
    id: "text",
    "aria-label": "Model or graph as text",
    "aria-describedby": "text-fault",
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    wrap: "off",
  });
  const said = h("span", {});
  const take = button("Import it", () => void importText(field.value), { hidden: true });
  const fault = h("p", { class: "fault", id: "text-fault", role: "status", hidden: true }, said, take);
  root.append(h("div", { class: "editor" }, numbers, h("div", { class: "page" }, marks, field)), fault);

  let timer = 0;
  let drawn = 0;
  const flush = (): void => {
    window.clearTimeout(timer);
    timer = 0;
    store.setText(field.value, "typing");
  };
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(flush, PAUSE);
    paint();
    marks.replaceChildren();
  });
  field.addEventListener("blur", () => timer && flush());
  field.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && timer) flush(); // undo takes back what was typed just now
  });
  let scrolled = 0; // remembered, as to ask the field would have the browser lay out the page
  field.addEventListener("scroll", () => {
    scrolled = field.scrollTop;
    numbers.scrollTop = field.scrollTop;
    marks.style.transform = `translate(${-field.scrollLeft}px, ${-field.scrollTop}px)`;
  });
  // Another program's text in the place of the whole is converted; anything else is pasted as it is.
  field.addEventListener("paste", (event) => {
    const content = event.clipboardData?.getData("text/plain") ?? "";
    const whole = field.selectionStart === 0 && field.selectionEnd === field.value.length;
    if (!whole || content.trim() === "") return;
    event.preventDefault();
    void importText(content).then((done) => {
      if (done) return;
      field.setRangeText(content, 0, field.value.length, "end");
      flush();
    });
  });

  const paint = (): void => {
    const count = field.value.split("\n").length;
    if (count === drawn) return;
    drawn = count;
    numbers.replaceChildren(...Array.from({ length: count }, (_, at) => h("span", {}, String(at + 1))));
  };

  store.subscribe((state, changed) => {
    if (changed.has("text") && state.text !== field.value) {
      window.clearTimeout(timer);
      timer = 0;
      const { selectionStart, selectionEnd } = field;
      const top = scrolled;
      const before = field.value;
      field.value = state.text;
      paint();
      const same = (end: number): boolean => before.slice(0, end) === state.text.slice(0, end);
      if (store.source === "opening") field.setSelectionRange(0, 0);
      else if (same(selectionStart)) field.setSelectionRange(selectionStart, same(selectionEnd) ? selectionEnd : selectionStart);
      if (top > 0) field.scrollTop = top;
    }
    if (!changed.has("fault") && !changed.has("text")) return;
    const found = state.fault;
    field.setAttribute("aria-invalid", String(found !== null));
    fault.hidden = found === null;
    // A fault of a text that has changed since stays in words until the next reading, but marks no place.
    said.textContent = found ? firstLine(found.message) : "";
    take.hidden = !found?.message.includes("Import it.");
    const line = changed.has("fault") ? (found?.line ?? 0) : 0;
    for (const [at, number] of [...numbers.children].entries()) number.classList.toggle("is-wrong", at + 1 === line);
    marks.replaceChildren(...(found && line > 0 ? markedAt(field.value, line, found.column ?? 1) : []));
  });
}

/** Python draws a caret under the place; here the place itself is marked. */
function firstLine(message: string): string {
  const [first = "", ...rest] = message.split("\n");
  return [first, ...rest.filter((line) => line.trim() !== "" && !/^\s*(\d+\s*\||\^|\|)/.test(line) && !line.startsWith("  "))].join(" ");
}

/** The text up to a place, unseen, and the word there as a mark. */
function markedAt(text: string, line: number, column: number): (string | HTMLElement)[] {
  const lines = text.split("\n");
  const there = lines[line - 1] ?? "";
  const signs = [...there];
  const before = signs.slice(0, column - 1).join("");
  const word = /^([\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]+|)/u.exec(signs.slice(column - 1).join(""))?.[0] || " ";
  return [lines.slice(0, line - 1).map((each) => `${each}\n`).join("") + before, h("mark", {}, word)];
}
