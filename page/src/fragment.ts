// The text and the questions in the address behind #: a link is a study, and nothing of it is sent anywhere.

import type { Place, State, Store } from "./store.js";

const VERSION = "1.";
const LONGEST = 120_000;
const LARGEST = 1_000_000;
const PAUSE = 500;

interface Kept {
  t: string;
  q?: string[];
  a?: number;
  e?: string[][];
  p?: { [name: string]: [number, number] };
}

export async function pack(state: State): Promise<string> {
  const names = state.reading?.nodes.map((node) => node.name) ?? [];
  const places = names.flatMap((name) => {
    const place = state.places.get(name);
    return place?.kept ? [[name, [place.x, place.y]] as [string, [number, number]]] : [];
  });
  const kept: Kept = {
    t: state.text,
    ...(state.questions.length > 0 && { q: [...state.questions] }),
    ...(state.active > 0 && { a: state.active }),
    ...(state.experiments.length > 0 && { e: state.experiments.map((names) => [...names]) }),
    ...(places.length > 0 && { p: Object.fromEntries(places) }),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(kept));
  const squeezed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return VERSION + base64(new Uint8Array(await new Response(squeezed).arrayBuffer()));
}

/** Throws an Error in plain words where the fragment is broken. */
export async function unpack(fragment: string): Promise<Pick<State, "text" | "questions" | "active" | "experiments" | "places">> {
  const words = "The address does not hold a whole study: part of the link is missing or was changed.";
  if (!fragment.startsWith(VERSION)) throw new Error(words);
  let kept: Kept;
  try {
    const bytes = Uint8Array.from(atob(fragment.slice(VERSION.length).replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
    kept = JSON.parse(await inflated(bytes)) as Kept;
  } catch {
    throw new Error(words);
  }
  if (typeof kept !== "object" || kept === null || typeof kept.t !== "string") throw new Error(words);
  const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === "string");
  const places = new Map<string, Place>();
  for (const [name, spot] of Object.entries(kept.p ?? {}))
    if (Array.isArray(spot) && spot.every((value) => Number.isFinite(value))) places.set(name, { x: spot[0], y: spot[1], kept: true });
  const questions = isTexts(kept.q) ? kept.q : [];
  const active = Number.isInteger(kept.a) ? Math.max(0, Math.min(kept.a as number, questions.length - 1)) : 0;
  return { text: kept.t, questions, active, experiments: Array.isArray(kept.e) ? kept.e.filter(isTexts) : [], places };
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > LARGEST) throw new Error("too large");
  }
}

function base64(bytes: Uint8Array): string {
  let signs = "";
  for (let at = 0; at < bytes.length; at += 4096) signs += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(signs).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Keep the address in step with the page, and the page with the address. */
export function keepAddress(store: Store, tell: (words: string) => void): void {
  let timer = 0;
  let written = location.hash.slice(1);
  let warned = false;
  const write = async (): Promise<void> => {
    const packed = await pack(store.state);
    if (packed.length > LONGEST) {
      if (!warned) tell("The text has grown too long for the address. Save it with Export.");
      warned = true;
      return;
    }
    warned = false;
    if (packed === written) return;
    written = packed;
    history.replaceState(null, "", `#${packed}`);
  };
  store.subscribe((_, changed) => {
    if (!["text", "questions", "active", "experiments", "places", "reading"].some((key) => changed.has(key as never))) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void write(), PAUSE);
  });
  window.addEventListener("hashchange", () => {
    const fragment = location.hash.slice(1);
    if (fragment === written || !fragment.startsWith(VERSION)) return;
    written = fragment;
    unpack(fragment).then((found) => store.open(found), (error: Error) => tell(error.message));
  });
}
