// The panes beside the drawing, in the order in which they stand. Each mounts itself once and then reads the store.

import type { Store } from "../store.js";
import * as ask from "./ask.js";
import * as data from "./data.js";
import * as fit from "./fit.js";
import * as question from "./question.js";
import * as verdict from "./verdict.js";
import * as whole from "./whole.js";

export interface Pane {
  readonly id: string;
  readonly title: string;
  /** Whether it needs a server. */
  readonly served?: boolean;
  readonly mount: (root: HTMLElement, store: Store) => void;
}

export const PANES: readonly Pane[] = [
  { id: "question", title: "Question", mount: question.mount },
  { id: "answer", title: "Can it be answered?", mount: verdict.mount },
  { id: "whole", title: "The whole graph", mount: whole.mount },
  { id: "data", title: "Table", mount: data.mount },
  { id: "fit", title: "Train", served: true, mount: fit.mount },
  { id: "ask", title: "Answers", served: true, mount: ask.mount },
];
