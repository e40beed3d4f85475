/** What the server holds besides the text: the table, the fit, what was asked of it. All panes with data read it here. */

import { BridgeError, type Fault } from "../bridge.js";
import type { DownloadKind, FitReply, FitState, SessionReply, Study, Table, TableReply } from "../served.js";
import type { Store } from "../store.js";
import { h } from "./dom.js";

export interface SessionState {
  readonly table: Table | null;
  readonly fit: FitState | null;
  /** The numbers that each engine takes. */
  readonly engines: Readonly<Record<string, readonly string[]>>;
  readonly methods: readonly string[];
  readonly pictures: boolean;
  readonly missing: "latent" | "drop" | null;
  readonly do: string | null;
  readonly engine: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly seed: number;
  /** Whether the fit is set against its rows at the end; null: where that takes seconds. */
  readonly check: boolean | null;
}

type Listener = (state: SessionState, changed: ReadonlySet<keyof SessionState>) => void;

/** The fragment of the address that the page was loaded with: a study of the server's does not take its place. */
const OPENED_WITH = location.hash;

export class Session {
  state: SessionState = {
    table: null,
    fit: null,
    engines: { auto: [] },
    methods: [],
    pictures: false,
    missing: null,
    do: null,
    engine: "auto",
    settings: {},
    seed: 0,
    check: null,
  };
  /** Whether the server had a study to begin with, once that is known. */
  readonly begun: Promise<boolean>;
  private readonly listeners: Listener[] = [];

  private constructor(private readonly store: Store) {
    this.begun = this.begin();
  }

  private static readonly sessions = new WeakMap<Store, Session>();

  /** The session of a page. */
  static of(store: Store): Session {
    const known = Session.sessions.get(store) ?? new Session(store);
    Session.sessions.set(store, known);
    return known;
  }

  subscribe(listener: Listener): void {
    this.listeners.push(listener);
  }

  set(patch: Partial<SessionState>): void {
    const changed = new Set((Object.keys(patch) as (keyof SessionState)[]).filter((key) => this.state[key] !== patch[key]));
    if (changed.size === 0) return;
    this.state = { ...this.state, ...patch };
    for (const listener of this.listeners) listener(this.state, changed);
  }

  /** What would be trained: the text of now, and the questions that can be answered. */
  get study(): Study {
    const { missing, engine, settings, seed, check } = this.state;
    return { text: this.store.state.text, queries: this.answerable, missing, do: this.state.do, engine, settings, seed, check };
  }

  /** The questions that have a yes. */
  get answerable(): string[] {
    const { questions, verdicts } = this.store.state;
    return [...new Set(questions.filter((_, at) => isYes(verdicts?.verdicts[at])))];
  }

  call<Reply>(verb: string, request: object = {}, signal?: AbortSignal): Promise<Reply> {
    return this.store.bridge.callServed<Reply>(verb, request, signal);
  }

  async upload(file: File): Promise<void> {
    const { table } = await this.send<TableReply>("table", file);
    this.set({ table, do: null });
  }

  async open(file: File): Promise<void> {
    const { fit } = await this.send<FitReply>("open", file);
    this.set({ fit });
    if (fit.study) this.store.open({ text: fit.study.text, questions: questionsOf(fit.study) });
  }

  /** Begin, stop or go on. */
  async drive(verb: "fit" | "stop" | "resume"): Promise<void> {
    const { fit } = await this.call<FitReply>(verb, verb === "fit" ? this.study : {});
    this.set({ fit });
  }

  /** Save a file that the server writes. */
  async download(kind: DownloadKind): Promise<void> {
    const response = await this.store.bridge.fetch(`api/download/${kind}`);
    if (!response.ok) throw new BridgeError(((await response.json()) as { error: Fault }).error);
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? kind;
    const address = URL.createObjectURL(await response.blob());
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  async forget(): Promise<void> {
    this.take(await this.call<SessionReply>("forget"));
  }

  private async send<Reply>(verb: string, file: File): Promise<Reply> {
    const headers = { "X-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" };
    const response = await this.store.bridge.fetch(`api/${verb}`, { method: "POST", headers, body: file });
    const reply = (await response.json()) as { ok: true } | { ok: false; error: Fault };
    if (!reply.ok) throw new BridgeError(reply.error);
    return reply as Reply;
  }

  private async begin(): Promise<boolean> {
    let opened = false;
    try {
      const reply = await this.call<SessionReply>("session");
      this.take(reply);
      if (reply.study && OPENED_WITH.length < 2) {
        const { missing = null, engine = "auto", settings = {}, seed = 0 } = reply.study;
        this.set({ missing, do: reply.study.do ?? null, engine, settings: numbersOf(settings), seed });
        this.store.open({ text: reply.study.text, questions: questionsOf(reply.study) });
        opened = true;
      }
    } catch (error) {
      this.store.complain(error);
    }
    this.listen();
    return opened;
  }

  private take({ table, fit, engines, methods, pictures }: SessionReply): void {
    this.set({ table, fit, engines, methods, pictures });
  }

  /** Hear what changes, whichever tab or run changes it. */
  private listen(): void {
    const events = new EventSource("api/events");
    events.addEventListener("fit", (event) => this.set({ fit: JSON.parse(event.data) as FitState }));
    events.addEventListener("table", (event) => this.set({ table: JSON.parse(event.data) as Table | null }));
  }
}

function isYes(verdict: { ok: boolean; identifiable?: boolean } | undefined): boolean {
  return verdict?.ok === true && verdict.identifiable === true;
}

function questionsOf({ queries = [] }: Study): string[] {
  return queries.map((query) => (typeof query === "string" ? query : query[1]));
}

function numbersOf(settings: Record<string, number | string>): Record<string, number> {
  return Object.fromEntries(Object.entries(settings).filter((pair): pair is [string, number] => typeof pair[1] === "number"));
}
