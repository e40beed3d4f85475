/** What a page without a server says about tables, fits and answers. */

import { h } from "./dom.js";

export function without(root: HTMLElement): void {
  root.append(
    h("p", {}, "This page runs in your browser alone. It draws and proves. To bring a table, train the model and ask, run latentdo on your machine:"),
    h("pre", { class: "printed wide", tabindex: 0 }, "pip install 'latentdo[web]'\nlatentdo serve"),
    h("p", { class: "quiet" }, "Your graph comes along: copy the address behind # to the page that opens. Nothing is sent anywhere."),
  );
}
