/** What can be said of the graph, whatever is asked. */

import type { Store } from "../store.js";
import { implications } from "./implications.js";
import { matrix } from "./matrix.js";

export function mount(root: HTMLElement, store: Store): void {
  root.append(matrix(store), implications(store));
}
