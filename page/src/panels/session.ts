/** What the server holds besides the text: the table, the fit, what was asked of it. All panes with data read it here. */

import { BridgeError, isLost, type Fault } from "../bridge.js";
import type { DownloadKind, FitReply, FitState, SessionReply, Study, Table, TableReply } from "../served.js";
import { lacking, rowsIn } from "../experiments.js";
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

/** Milliseconds until a server that did not answer is asked again. */
const RETRY = 2000;
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
    store.subscribe((_, changed) => {
      if (changed.has("reading")) this.bring();
    });
    this.subscribe((_, changed) => {
      if (changed.has("table") || changed.has("do")) this.bring();
    });
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

  /** The questions that a fit of the table can answer. */
  get answerable(): string[] {
    const { questions, verdicts, tabled } = this.store.state;
    return [...new Set(questions.filter((_, at) => isYes((tabled ?? verdicts)?.verdicts[at])))];
  }

  /** The questions that the fit of now can answer, with its own model and rows; and why it cannot answer the others. */
  async askable(): Promise<{ readonly queries: string[]; readonly left: string[] }> {
    const { fit } = this.state;
    const asked = [...new Set(this.store.state.questions.filter((question) => question.trim() !== ""))];
    if (!fit?.study || asked.length === 0) return { queries: asked, left: [] };
    const experiments = (fit.fit?.regimes ?? []).map((regime) => regime.do).filter((names) => names.length > 0);
    const request = { text: fit.study.text, queries: asked, experiments, remedies: false };
    const { verdicts } = await this.store.bridge.call("verdict", request);
    const left = asked.flatMap((question, at) => {
      const verdict = verdicts[at];
      if (isYes(verdict)) return [];
      if (verdict && !verdict.ok) return [`${question}. ${verdict.error.message}`];
      const needed = lacking(this.used(question), experiments);
      const why = needed.length > 0 ? `The fit has no ${needed.map(rowsIn).join(", and no ")}.` : "There is no answer in the graph of this fit.";
      return [`${question}. ${why}`];
    });
    return { queries: asked.filter((_, at) => isYes(verdicts[at])), left };
  }

  /** The experiments that the formula of a question uses on the page. */
  private used(question: string): string[][] {
    const { questions, verdicts } = this.store.state;
    const verdict = verdicts?.verdicts[questions.indexOf(question)];
    return verdict?.ok ? (verdict.uses_experiments ?? []) : [];
  }

  /** Tell the verdicts which experiments the table has rows of; of another graph it has none. */
  private bring(): void {
    const { table, do: column } = this.state;
    const measured = new Set(this.store.state.reading?.nodes.filter((node) => !node.latent).map((node) => node.name));
    const ours = table?.columns.some(({ name }) => measured.has(name)) ?? false;
    const regimes = table?.columns.find(({ name }) => name === column)?.regimes ?? [];
    this.store.setBrought(ours ? regimes.filter(({ do: names }) => names.length > 0 && names.every((name) => measured.has(name))) : null);
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
    const response = await this.store.bridge.fetch(`api/download/${kind}`, kind === "study" ? this.asWritten : {});
    if (!response.ok) throw new BridgeError(((await response.json()) as { error: Fault }).error);
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? kind;
    const address = URL.createObjectURL(await response.blob());
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  /** The study file is of what stands in the page now: its model, and all its questions. */
  private get asWritten(): RequestInit {
    const names = new Map((this.state.fit?.study?.queries ?? []).flatMap((query) => (typeof query === "string" ? [] : [[query[1], query[0]] as const])));
    const questions = [...new Set(this.store.state.questions.filter((question) => question.trim() !== ""))];
    const queries = questions.map((question): string | [string, string] => {
      const name = names.get(question);
      return name === undefined ? question : [name, question];
    });
    return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...this.study, queries }) };
  }

  async forget(what: "table" | "fit"): Promise<void> {
    this.take(await this.call<SessionReply>("forget", { what }));
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
        this.settle(reply.study);
        this.store.open({ text: reply.study.text, questions: questionsOf(reply.study) });
        opened = true;
      } else if (reply.fit.study && !reply.fit.opened) this.settle(reply.fit.study);
    } catch (error) {
      this.store.complain(error);
    }
    this.listen();
    return opened;
  }

  /** How rows are read and models trained, as a study has it. */
  private settle({ missing = null, do: column = null, engine = "auto", settings = {}, seed = 0 }: Study): void {
    const there = this.state.table?.columns.some(({ name }) => name === column) ?? false;
    this.set({ missing, do: there ? column : null, engine, settings: numbersOf(settings), seed });
  }

  private take({ table, fit, engines, methods, pictures }: SessionReply): void {
    this.set({ table, fit, engines, methods, pictures });
  }

  /** Take what a server that answers again knows; say what it says where it does not know this page. */
  private again(then: () => void): void {
    this.call<SessionReply>("session").then(
      (reply) => {
        this.store.recover();
        this.take(reply);
        then();
      },
      (error: unknown) => {
        if (isLost(error)) return void window.setTimeout(() => this.again(then), RETRY);
        this.store.recover();
        this.store.complain(error);
      },
    );
  }

  /** Hear what changes, whichever tab or run changes it. */
  private listen(): void {
    const events = new EventSource("api/events");
    let lost = false;
    events.addEventListener("error", () => {
      lost = true;
      // Refused, and not tried again by the browser: another server stands there.
      if (events.readyState === EventSource.CLOSED) this.again(() => this.listen());
    });
    events.addEventListener("open", () => {
      if (lost) this.again(() => undefined);
      lost = false;
    });
    events.addEventListener("fit", (event) => this.set({ fit: JSON.parse(event.data) as FitState }));
    events.addEventListener("table", (event) => {
      const table = JSON.parse(event.data) as Table | null;
      const there = table?.columns.some(({ name }) => name === this.state.do) ?? false;
      this.set({ table, ...(!there && { do: null }) });
    });
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
