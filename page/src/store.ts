// The one state of the page. The text is the document: everything drawn, asked or said is read from it, and every
// stroke is an edit of it that Python makes.

import { BridgeError, type Bridge, type Fault } from "./bridge.js";
import { all, lacking, type Experiments } from "./experiments.js";
import { edgeId, type EdgeName } from "./names.js";
import { questionOf } from "./questions.js";
import type { Edit, Reading, Role, VerdictReply } from "./contract.js";
import type { Regime } from "./served.js";

/** Where a node stands; `kept` once a person has put it there. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly kept: boolean;
}

/** What is lit in the drawing: by a formula, a hedge, a step of a proof. */
export interface Lit {
  readonly nodes?: readonly string[];
  readonly edges?: readonly EdgeName[];
  /** Nodes that are marked more strongly: the smaller set of a hedge. */
  readonly core?: readonly string[];
  /** Edges that are gone, in a graph after surgery. */
  readonly cut?: readonly EdgeName[];
}

/** Who lights: what comes later in this list is seen over what comes earlier. */
export type Layer = "hedge" | "step" | "pair" | "hover";

export interface State {
  readonly text: string;
  /** What the text says; where it cannot be read, what it last said. */
  readonly reading: Reading | null;
  /** Why the text of now cannot be read. */
  readonly fault: Fault | null;
  readonly questions: readonly string[];
  /** The question whose treatment, outcome and evidence the drawing shows. */
  readonly active: number;
  /** Parts that nodes are to play in a question that nothing is asked about yet. */
  readonly draft: ReadonlyMap<string, Role> | null;
  /** A verdict for each question, in order; null while none has come. */
  readonly verdicts: VerdictReply | null;
  /** The same where only experiments count of which the table has rows; null while that is no other question. */
  readonly tabled: VerdictReply | null;
  /** What is set in each experiment that a person has added. */
  readonly experiments: Experiments;
  /** What was set in some rows of the table, and in how many; null while there is no table of this graph. */
  readonly brought: readonly Regime[] | null;
  readonly selection: { readonly nodes: readonly string[]; readonly edges: readonly EdgeName[] };
  readonly lit: { readonly [layer in Layer]?: Lit };
  readonly places: ReadonlyMap<string, Place>;
  /** Whether what stands on the page is older than the text. */
  readonly behind: boolean;
  /** What loading says; empty once Python answers. */
  readonly loading: string;
}

/** Where a change of the text comes from. */
export type Source = "stroke" | "typing" | "opening" | "history" | "remedy";

type Listener = (state: State, changed: ReadonlySet<keyof State>) => void;
/** Where a document took the place of another, or nodes were moved, it also holds where the nodes stood. */
type Snapshot = Pick<State, "text" | "questions" | "active" | "experiments"> & Partial<Pick<State, "places">> & { readonly moved?: true };

const TYPING_PAUSE = 1500;
const MOST_STEPS = 500;

export class Store {
  state: State = {
    text: "",
    reading: null,
    fault: null,
    questions: [],
    active: 0,
    draft: null,
    verdicts: null,
    tabled: null,
    experiments: [],
    brought: null,
    selection: { nodes: [], edges: [] },
    lit: {},
    places: new Map(),
    behind: false,
    loading: "",
  };
  /** Where the last change of the text came from. */
  source: Source = "opening";
  private listeners: Listener[] = [];
  private past: Snapshot[] = [];
  private future: Snapshot[] = [];
  private lastTyped = 0;
  private strokes: Promise<unknown> = Promise.resolve();
  private running: AbortController | null = null;
  /** The text that `reading` is of. */
  private textRead: string | null = null;

  constructor(readonly bridge: Bridge) {
    bridge.onLoading((words) => this.set({ loading: words }));
  }

  subscribe(listener: Listener): () => void {
    this.listeners.push(listener);
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  /** Change what is no document: selection, places, what is lit. */
  set(patch: Partial<State>): void {
    const changed = new Set<keyof State>();
    for (const key of Object.keys(patch) as (keyof State)[]) if (this.state[key] !== patch[key]) changed.add(key);
    if (changed.size === 0) return;
    this.state = { ...this.state, ...patch };
    for (const listener of [...this.listeners]) listener(this.state, changed);
  }

  select(nodes: readonly string[], edges: readonly EdgeName[] = []): void {
    this.set({ selection: { nodes, edges } });
  }

  /** Light nodes and edges, or put a layer out with null. */
  light(layer: Layer, lit: Lit | null): void {
    const { [layer]: old, ...others } = this.state.lit;
    if (lit === null && old === undefined) return;
    this.set({ lit: lit === null ? others : { ...others, [layer]: lit } });
  }

  // --- the document

  /** Take another text. */
  setText(text: string, source: Source): void {
    if (text === this.state.text) return;
    const now = Date.now();
    const goesOn = source === "typing" && this.source === "typing" && now - this.lastTyped < TYPING_PAUSE;
    if (!goesOn) this.remember();
    this.lastTyped = source === "typing" ? now : 0;
    this.source = source;
    this.set({ text });
    void this.refresh();
  }

  private change(patch: Partial<State>, source: Source): void {
    this.remember();
    this.lastTyped = 0;
    this.source = source;
    this.set(patch);
    void this.refresh();
  }

  /** Have Python make strokes in the text, one after another: one step back undoes them all. False where one was refused. */
  edit(edits: readonly Edit[], source: Source = "stroke"): Promise<boolean> {
    const stroke = this.strokes.then(() => this.stroke(edits, source));
    this.strokes = stroke.catch(() => undefined);
    return stroke;
  }

  private async stroke(edits: readonly Edit[], source: Source): Promise<boolean> {
    this.set({ behind: true });
    const before = this.state;
    let { text } = before;
    let queries = [...before.questions];
    try {
      for (const edit of edits) ({ text, queries } = await this.bridge.call("edit", { text, edit, queries }));
    } catch (error) {
      this.complain(error);
      if (!this.running) this.set({ behind: false });
      return false;
    }
    // Whoever wrote in the meantime is not overwritten: the stroke is made in what stands there now.
    if (this.state.text !== before.text || this.state.questions !== before.questions) return this.stroke(edits, source);
    if (text === before.text) {
      if (!this.running) this.set({ behind: false });
      return true;
    }
    let { places, draft } = this.state;
    for (const edit of edits)
      if (edit.op === "rename") [places, draft] = [renamed(places, edit.name, edit.to), draft && renamed(draft, edit.name, edit.to)];
    this.change({ text, questions: same(queries, before.questions) ? before.questions : queries, places, draft }, source);
    return true;
  }

  /** Nodes stand elsewhere: a step that undo takes back; `goesOn` says that it is part of the step before. */
  move(places: State["places"], goesOn: boolean): void {
    if (!goesOn || this.past.at(-1)?.moved !== true) this.push({ ...this.snapshot(true), moved: true });
    this.set({ places });
  }

  /** Ask other questions; `step` says whether undo goes back to the old ones. */
  setQuestions(questions: readonly string[], active = this.state.active, step = true): void {
    if (step) this.remember();
    const at = Math.max(0, Math.min(active, questions.length - 1));
    const asked = this.state.questions;
    this.set({ questions, active: at, draft: null });
    if (!same(questions, asked)) void this.refresh();
  }

  /** Give nodes a part in the active question, or take it from those that have it. False while nothing is asked about. */
  setRole(names: readonly string[], role: Role): boolean {
    const roles = new Map(this.roles);
    const all = names.every((name) => roles.get(name) === role);
    for (const name of names) all ? roles.delete(name) : roles.set(name, role);
    const { questions, active } = this.state;
    const question = questionOf(roles, questions[active] ?? "");
    if (question === null) this.set({ draft: roles });
    else this.setQuestions(questions.length > 0 ? questions.map((old, at) => (at === active ? question : old)) : [question]);
    return question !== null;
  }

  setExperiments(experiments: Experiments): void {
    this.remember();
    this.set({ experiments });
    void this.refresh();
  }

  /** Take what was set in rows of the table. */
  setBrought(brought: State["brought"]): void {
    if (JSON.stringify(brought) === JSON.stringify(this.state.brought)) return;
    this.set({ brought });
    void this.refresh();
  }

  /** The experiments that verdicts use: those that a person has added, and those of which the table has rows. */
  get known(): string[][] {
    return all(this.state.experiments, this.rowsOf);
  }

  /** The experiments that a person has added and of which the table has no row; none while there is no table. */
  get lacking(): string[][] {
    return this.state.brought === null ? [] : lacking(this.state.experiments, this.rowsOf);
  }

  private get rowsOf(): Experiments {
    return (this.state.brought ?? []).map((regime) => regime.do);
  }

  /** Open another document. */
  open(document: { readonly text: string } & Partial<Pick<State, "questions" | "active" | "experiments" | "places">>): void {
    this.remember(true);
    this.source = "opening";
    this.textRead = null;
    this.set({
      text: document.text,
      questions: document.questions ?? [],
      active: document.active ?? 0,
      experiments: document.experiments ?? [],
      draft: null,
      places: document.places ?? new Map(),
      selection: { nodes: [], edges: [] },
      lit: {},
      verdicts: null,
      tabled: null,
    });
    void this.refresh();
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  undo(): void {
    this.travel(this.past, this.future);
  }

  redo(): void {
    this.travel(this.future, this.past);
  }

  private remember(whole = false): void {
    if (this.state.reading === null && this.state.text === "") return; // the page has just begun
    const { text, questions, experiments } = this.state;
    const last = this.past.at(-1);
    if (last && !last.moved && last.text === text && last.questions === questions && last.experiments === experiments) return;
    this.push(this.snapshot(whole));
  }

  private push(snapshot: Snapshot): void {
    this.past.push(snapshot);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
  }

  private snapshot(whole: boolean): Snapshot {
    const { text, questions, active, places, experiments } = this.state;
    return { text, questions, active, experiments, ...(whole && { places }) };
  }

  private travel(from: Snapshot[], to: Snapshot[]): void {
    const snapshot = from.pop();
    if (!snapshot) return;
    const { moved, ...document } = snapshot;
    if (moved) {
      to.push({ ...this.snapshot(true), moved });
      this.source = "history";
      return this.set({ places: document.places ?? new Map() });
    }
    const whole = document.places !== undefined;
    to.push(this.snapshot(whole));
    this.source = whole ? "opening" : "history";
    if (whole) this.textRead = null;
    this.lastTyped = 0;
    this.set({ ...document, draft: null });
    void this.refresh();
  }

  // --- what follows from it

  /** What the text says and what the questions get; a newer text overtakes an older one. */
  async refresh(): Promise<void> {
    this.running?.abort();
    const running = (this.running = new AbortController());
    const { text, questions } = this.state;
    this.set({ behind: true });
    const ask = (experiments: string[][], remedies = true): Promise<VerdictReply> | null => {
      if (questions.length === 0) return null;
      const asked = { text, queries: [...questions], ...(experiments.length > 0 && { experiments }), ...(!remedies && { remedies }) };
      const reply = this.bridge.call("verdict", asked, running.signal);
      reply.catch(() => undefined);
      return reply;
    };
    const verdicts = ask(this.known);
    const ofRows = this.lacking.length > 0 ? ask(all(this.rowsOf), false) : null;
    try {
      if (this.textRead !== text) {
        const reading = await this.bridge.call("read", { text }, running.signal);
        if (running.signal.aborted) return;
        this.textRead = text;
        this.set({ reading, fault: null, selection: left(this.state.selection, reading) });
      }
      const [reply, tabled] = [await verdicts, await ofRows];
      if (running.signal.aborted) return;
      this.set({ verdicts: reply, tabled, behind: false });
    } catch (error) {
      if (running.signal.aborted) return;
      this.textRead = null;
      this.set({ fault: faultOf(error), behind: false });
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  private complaints: ((fault: Fault) => void)[] = [];

  /** Hear what was refused: a stroke, an import. */
  onComplaint(listener: (fault: Fault) => void): void {
    this.complaints.push(listener);
  }

  complain(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    const fault = faultOf(error);
    for (const listener of this.complaints) listener(fault);
  }

  private recoveries: (() => void)[] = [];

  /** Hear that the server answers again. */
  onRecovery(listener: () => void): void {
    this.recoveries.push(listener);
  }

  recover(): void {
    for (const listener of this.recoveries) listener();
    if (this.state.fault?.kind === "unreachable") void this.refresh();
  }

  /** What the active question makes of each node. */
  get roles(): ReadonlyMap<string, Role> {
    if (this.state.draft) return this.state.draft;
    const row = this.state.verdicts?.verdicts[this.state.active];
    return new Map(row?.ok ? Object.entries(row.roles) : []);
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof BridgeError) return error.fault;
  return { kind: "bug", message: error instanceof Error ? error.message : String(error) };
}

/** What is still there of what was selected. */
function left(selection: State["selection"], reading: Reading): State["selection"] {
  const names = new Set(reading.nodes.map((node) => node.name));
  const ids = new Set(reading.edges.map(edgeId));
  const nodes = selection.nodes.filter((name) => names.has(name));
  const edges = selection.edges.filter((edge) => ids.has(edgeId(edge)));
  return nodes.length + edges.length === selection.nodes.length + selection.edges.length ? selection : { nodes, edges };
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

function renamed<T>(known: ReadonlyMap<string, T>, name: string, to: string): ReadonlyMap<string, T> {
  const value = known.get(name);
  if (value === undefined) return known;
  const moved = new Map(known);
  moved.delete(name);
  return moved.set(to, value);
}
