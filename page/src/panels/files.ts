/** A field for a file that says how sending it goes. */

import { h } from "./dom.js";
import { messageOf } from "./waiting.js";

export interface FileField {
  readonly root: HTMLElement;
  readonly send: (file: File) => void;
  /** Put away what was wrong with a file, once something else is done. */
  readonly clear: () => void;
}

export function fileField(id: string, label: string, accept: string, take: (file: File) => Promise<void>): FileField {
  const field = h("input", { id, type: "file", accept });
  const said = h("p", { class: "quiet", role: "status", hidden: true });
  const send = (file: File): void => {
    say(`Reading ${file.name} …`, false);
    take(file).then(
      () => (said.hidden = true),
      (error: unknown) => say(messageOf(error), true),
    );
  };
  const say = (words: string, wrong: boolean): void => {
    said.hidden = false;
    said.className = wrong ? "fault" : "quiet";
    said.textContent = words;
  };
  field.addEventListener("change", () => {
    const file = field.files?.[0];
    if (file) send(file);
    field.value = "";
  });
  const clear = (): void => {
    if (said.className === "fault") said.hidden = true;
  };
  return { root: h("div", { class: "field" }, h("label", { for: id }, label), field, said), send, clear };
}
