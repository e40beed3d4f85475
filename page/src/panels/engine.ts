/** Which engine trains, its numbers, and the seed. */

import { h } from "./dom.js";
import type { Session } from "./session.js";

export const WORDS: { readonly [engine: string]: string } = {
  auto: "auto: exact where it can be, else what fits",
  nuts: "nuts: Markov chains",
  svi: "svi: quick and approximate",
  laplace: "laplace: a normal law around the best point",
  map: "map: the best point alone",
};

const CHECKS: readonly (readonly [string, string])[] = [
  ["", "if it takes seconds"],
  ["yes", "always"],
  ["no", "not now"],
];

export function engineChoice(session: Session): HTMLElement {
  const engine = h("select", { id: "fit-engine" });
  const seed = h("input", { id: "fit-seed", type: "number", min: 0, step: 1, value: 0 });
  const check = h("select", { id: "fit-check" }, ...CHECKS.map(([name, words]) => h("option", { value: name }, words)));
  const settings = h("div", { class: "row" });
  const more = h("details", { class: "folded" }, h("summary", {}, "Settings of the engine"), settings);
  const root = h(
    "div",
    { class: "folded-body is-plain" },
    h(
      "div",
      { class: "row" },
      h("div", { class: "field" }, h("label", { for: "fit-engine" }, "Engine"), engine),
      h("div", { class: "field is-short" }, h("label", { for: "fit-seed" }, "Seed"), seed),
      h("div", { class: "field" }, h("label", { for: "fit-check" }, "Check of the fit"), check),
    ),
    more,
  );
  engine.addEventListener("change", () => session.set({ engine: engine.value, settings: {} }));
  seed.addEventListener("change", () => session.set({ seed: Math.max(0, Math.round(Number(seed.value) || 0)) }));

  check.addEventListener("change", () => session.set({ check: check.value === "" ? null : check.value === "yes" }));

  const setting = (name: string): HTMLElement => {
    const value = session.state.settings[name];
    const field = h("input", { id: `setting-${name}`, type: "number", step: "any", placeholder: "default", value: value ?? "" });
    field.addEventListener("change", () => {
      const { [name]: _, ...others } = session.state.settings;
      session.set({ settings: field.value === "" ? others : { ...others, [name]: Number(field.value) } });
    });
    return h("div", { class: "field is-short" }, h("label", { for: `setting-${name}` }, name.replaceAll("_", " ")), field);
  };
  const show = (): void => {
    const { engines } = session.state;
    engine.replaceChildren(...Object.keys(engines).map((name) => h("option", { value: name }, WORDS[name] ?? name)));
    engine.value = session.state.engine;
    seed.value = String(session.state.seed);
    const names = engines[session.state.engine] ?? [];
    more.hidden = names.length === 0;
    settings.replaceChildren(...names.map(setting));
  };
  session.subscribe((_, changed) => {
    if (changed.has("engines") || changed.has("engine") || changed.has("seed")) show();
  });
  show();
  return root;
}
