/** A field that offers how the text may go on: arrows choose, Enter or Tab takes, Escape closes. */

import type { Candidate, CompleteReply } from "../contract.js";
import { h } from "./dom.js";
import { Latest } from "./latest.js";

export type Offer = (text: string, cursor: number, signal: AbortSignal) => Promise<CompleteReply>;

const NONE: CompleteReply = { from: 0, to: 0, candidates: [] };
const MOST = 12;

let fields = 0;

/** What completes a text field: its list of candidates, which stands below it. */
export class Completion {
  readonly list: HTMLUListElement;
  private offered = NONE;
  /** The text for which that was offered: what is typed meanwhile is not overwritten. */
  private offeredFor = "";
  private chosen = -1;
  private readonly latest: Latest<CompleteReply>;

  constructor(
    private readonly field: HTMLInputElement,
    private readonly offer: Offer,
    private readonly changed: () => void,
  ) {
    const id = `candidates-${++fields}`;
    this.list = h("ul", { id, role: "listbox", class: "candidates", "aria-label": "How the question may go on", hidden: true });
    this.latest = new Latest(30, (found) => this.show(found), () => this.close());
    for (const [name, value] of Object.entries({
      role: "combobox",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": id,
    })) {
      field.setAttribute(name, value);
    }
    field.addEventListener("input", () => this.look(true));
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => this.close());
  }

  close(): void {
    this.latest.cancel();
    this.show(NONE);
  }

  /** Look what may come next; while somebody is `typing`, not behind a term, where the question may be over. */
  private look(typing = false): void {
    const cursor = this.field.selectionStart ?? this.field.value.length;
    if (typing && /[)\]]\s*$/.test(this.field.value.slice(0, cursor))) return this.close();
    const text = this.field.value;
    this.latest.ask(async (signal) => {
      const reply = await this.offer(text, cursor, signal);
      this.offeredFor = text;
      return reply;
    });
  }

  private show(reply: CompleteReply): void {
    const found = reply.candidates.slice(0, MOST);
    this.offered = reply;
    this.chosen = -1;
    this.list.replaceChildren(...found.map((candidate, at) => this.row(candidate, at)));
    this.list.hidden = found.length === 0;
    this.field.setAttribute("aria-expanded", String(found.length > 0));
    this.field.removeAttribute("aria-activedescendant");
  }

  private row(candidate: Candidate, at: number): HTMLLIElement {
    const row = h(
      "li",
      { role: "option", id: `${this.list.id}-${at}`, "aria-selected": "false" },
      h("code", {}, candidate.label),
      candidate.detail && h("span", { class: "quiet" }, ` ${candidate.detail}`),
    );
    // Before the field loses the focus, which would close the list.
    row.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(at);
    });
    return row;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Escape") this.latest.cancel();
    if (this.list.hidden) {
      if (event.key === " " && event.ctrlKey) {
        event.preventDefault();
        this.look();
      }
      return;
    }
    const takes = (event.key === "Enter" || event.key === "Tab") && this.chosen >= 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Escape") this.close();
    else if (takes) this.take(this.chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private move(by: number): void {
    const n = this.list.children.length;
    this.chosen = this.chosen < 0 ? (by > 0 ? 0 : n - 1) : (this.chosen + by + n) % n;
    [...this.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === this.chosen)));
    const row = this.list.children[this.chosen];
    row?.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", row?.id ?? "");
  }

  private take(at: number): void {
    const { from, to, candidates } = this.offered;
    const candidate = candidates[at];
    if (!candidate || this.field.value !== this.offeredFor) return;
    const text = this.field.value;
    this.field.value = text.slice(0, from) + candidate.insert + text.slice(to);
    const cursor = from + candidate.cursor;
    this.field.setSelectionRange(cursor, cursor);
    this.close();
    this.changed();
    this.look(true);
  }
}
