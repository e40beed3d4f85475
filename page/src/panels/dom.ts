/** Elements made by hand: text only ever enters as text, so that a name with markup in it is shown and never read. */

type Child = Node | string | null | undefined | false;
type Attributes = { readonly [name: string]: string | number | boolean | null | undefined };

/** An element with attributes and children; `false`, `null` and `undefined` leave an attribute or a child out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  append(made, children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for the elements of a picture. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  setAttributes(made, attributes);
  append(made, children);
  return made;
}

/** A button that is no form's. */
export function button(label: string, press: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = h("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", press);
  return made;
}

/** Folded away until it is opened: built then, once. */
export function folded(title: Child, build: (body: HTMLElement) => void, open = false): HTMLDetailsElement {
  const body = h("div", { class: "folded-body" });
  const made = h("details", { class: "folded", open }, h("summary", {}, title), body);
  let built = false;
  const unfold = (): void => {
    if (!made.open || built) return;
    built = true;
    build(body);
  };
  made.addEventListener("toggle", unfold);
  unfold();
  return made;
}

/** A table with a caption, heads and rows; a row's first cell is its head. */
export function table(caption: string, heads: readonly string[], rows: readonly (readonly (string | Node)[])[]): HTMLElement {
  const body = rows.map((row) =>
    h("tr", {}, ...row.map((cell, at) => (at === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)))),
  );
  return h(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, ...body),
    ),
  );
}

function setAttributes(made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
}

function append(made: Element, children: readonly Child[]): void {
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
}
