/** A picture that the server draws, shown as an image: nothing in it can run. */

import type { PlotReply } from "../served.js";
import { h } from "./dom.js";
import type { Session } from "./session.js";
import { fill } from "./waiting.js";

export function plot(session: Session, request: object, says: string): HTMLElement {
  const place = h("div", { class: "plot" });
  void fill(place, session.call<PlotReply>("plot", request), ({ svg }) => [image(svg, says)]);
  return place;
}

function image(svg: string, says: string): HTMLImageElement {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const made = h("img", { src: address, alt: says });
  made.addEventListener("load", () => URL.revokeObjectURL(address));
  return made;
}
