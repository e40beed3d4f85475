// What the page asks of Python and what it is answered: the types of every request and reply of `latentdo.web.bridge`.
// A request is sent as {verb, ...fields}; over HTTP the verb stands in the address (POST /api/<verb>), the fields in the body.
// Served verbs (table, fit, ask, ...) have their types in `served.ts`.

export interface BridgeError {
  kind: string; // "syntax", "graph", "unknown_node", "query", "model", "usage", "unsupported", "bug", ...
  message: string; // plain text, for people; may have line ends (a caret under the place)
  line: number | null; // in the text that was sent, counted from 1
  column: number | null;
  hedge: [string[], string[]] | null;
}
export interface Failed { ok: false; error: BridgeError }
export type Reply<T> = ({ ok: true } & T) | Failed;

// --- read: what a text says

export interface ReadRequest { text: string }
export interface PageNode {
  name: string;
  latent: boolean;
  family: string | null; // of a model: "normal", "bernoulli", ...
  levels: (string | number)[] | null; // where the text states them
  line: number; // where it is declared
  column: number;
  declared: string; // the statement as it was typed
}
export type EdgeKind = "->" | "-|" | "<->";
export type Sign = "" | "+" | "-";
export interface PageEdge {
  tail: string;
  head: string;
  kind: EdgeKind; // "-|" wherever the sign is "-"
  sign: Sign;
  latents: number; // how many causes are behind a "<->"; 0 of others
  terms: string[]; // of a model: how the tail enters the head, such as "X", "log(X)", "X:V"
  line: number;
  column: number;
}
export interface Reading {
  kind: "graph" | "model";
  nodes: PageNode[]; // in the order of first mention
  edges: PageEdge[];
  measured: string[];
  functional: Record<string, string[]>; // nodes that are functions of their parents (`linear`)
  canonical: string; // the same in the shortest form
  text: string; // the text, line ends as \n: places are counted in it
}

// --- edit: what a stroke does to the text; comments and order are kept

export interface EditRequest {
  text: string;
  edit: Edit;
  queries?: string[]; // `rename` reaches them
  priors?: Record<string, unknown>; // keys of a study's priors; `rename` reaches them
}
export type Edit =
  | { op: "add_node"; name: string; latent?: boolean }
  | { op: "remove_node"; name: string }
  | { op: "rename"; name: string; to: string }
  | { op: "set_latent"; name: string; latent?: boolean } // latent: true unless given
  | { op: "add_edge"; tail: string; head: string; kind?: EdgeKind; sign?: Sign } // "->" unless given
  | { op: "remove_edge"; tail: string; head: string; kind?: EdgeKind }
  | { op: "flip"; tail: string; head: string }
  | { op: "sign"; tail: string; head: string; sign: Sign };
export interface Edited { text: string; queries: string[]; priors: Record<string, unknown> }

// --- verdict: what can be answered

export interface VerdictRequest {
  text: string;
  queries: string[];
  experiments?: string[][]; // what is set in each experiment that is known too
  remedies?: boolean; // true unless given; without them the reply is faster
}
export type Role = "treatment" | "outcome" | "given";
export interface VerdictReply {
  nodes: string[]; // \htmlData{node=3} in `marked` means nodes[3]
  verdicts: VerdictRow[]; // one for each query, in order
}
export type VerdictRow = QueryFailed | Verdict;
export interface QueryFailed { asked: string; ok: false; error: BridgeError } // line and column in the query
export interface Verdict {
  asked: string; // as it was typed
  ok: true;
  query: string; // in its canonical form
  identifiable: boolean;
  words: string; // why, in a sentence or two
  form: string | null; // "back-door", "front-door", ...; several terms: "back-door, no effect"
  estimand: string | null; // the formula as text
  latex: string | null;
  marked: string | null; // the same with every node as \htmlData{node=INDEX}{...}: KaTeX needs trust for \htmlData alone
  sets: Record<string, string[]>; // what letters such as Z stand for by which the formula abbreviates large sets
  free: string[]; // "for any R"
  notes?: string[]; // what functional nodes changed
  experiments?: string[][];
  uses_experiments?: string[][];
  roles: Record<string, Role>; // treatments, outcomes and evidence, by node
  hedge: [string[], string[]] | null; // of a no, the larger set first
  reason?: string; // of a no: `words` again
  thicket?: { experiment: string[]; hedge: [string[], string[]] }[];
  proved?: boolean; // of a no: whether the hedge proves it
  lit: Lit | null; // of a no: the hedge in the drawing
  remedies: Remedy[] | null; // of a no; null where they were not asked for, or the graph has more than 300 nodes
}
export interface Lit { nodes: string[]; smaller: string[]; edges: { tail: string; head: string; kind: EdgeKind }[] }
export interface Remedy {
  kind: "measure" | "remove" | "experiment";
  words: string; // "measure U", "rule out X <-> Y", "experiment on Z"
  edits: Edit[]; // to be applied one after the other; none of an experiment
  experiments: string[][]; // of an experiment: what to add to the request's `experiments`
}

// --- proof: why a yes is a yes

export interface ProofRequest { text: string; query: string; experiments?: string[][] }
export interface ProofReply {
  query: string;
  nodes: string[]; // for `marked`, as in VerdictReply
  theorems: ProofTheorem[];
  check: boolean; // every step was checked: its form, its separation, both sides on random models
  explain: string; // what the check found
  text: string; // the whole proof
  latex: string; // the whole proof, as align* environments
}
export interface ProofTheorem {
  law: Formula;
  formula: Formula; // what it equals
  graph: CutGraph; // the measured nodes, `<->` for common causes that were not
  terms: string[]; // the terms of the question that ask for this law
  note: string; // how they read it, where it is not the law itself
  steps: ProofStep[];
}
export interface Formula { text: string; latex: string; marked: string }
export interface ProofStep {
  number: number; // from 1
  rule: string; // "rule 1", "rule 2", "rule 3", "marginalise", "chain rule", ...
  words: string; // what licenses it
  before: Formula;
  after: Formula;
  part: Formula; // what is rewritten ...
  becomes: Formula; // ... and what stands there then
  separation: { first: string[]; second: string[]; given: string[]; text: string; latex: string } | null;
  graph: CutGraph;
}
export interface CutGraph {
  text: string; // what is left, as a text of arrows
  label: string; // "the graph without the edges into X"
  into: string[];
  out_of: string[];
  nodes: string[];
  edges: { tail: string; head: string; kind: "->" | "<->"; cut: boolean }[]; // every edge of the whole graph
}

// --- witness: why a no is a no, as two models

export interface WitnessRequest { text: string; query: string; experiments?: string[][] }
export interface WitnessReply {
  query: string;
  term: string; // the term of it that the models disagree on
  asked: string; // what the two models disagree on, "P(Y=1 | do(X=0))"
  whole: boolean; // whether they differ in the whole question, or in that term only
  values: [string, string]; // exact: "1/2", "1/16"
  models: [WitnessModel, WitnessModel];
  coins: Record<string, { ends: string[]; probability: string }>; // what nobody measures, by its name "c1"
  observed: WitnessTable; // P(V), which both share
  checked: boolean; // the two laws are equal and the two answers differ
  bystanders: string[]; // in both models a fair coin of its own
  text: string; // the whole as people read it
}
export interface WitnessModel { mechanisms: Record<string, string[]> } // by node, a line for each of its bits: "Y = X + c1"
export interface WitnessTable { names: string[]; rows: { values: number[]; probability: string }[]; cut: number } // cut: rows not shown

// --- answerable: every pair at once

export interface AnswerableRequest { text: string; experiments?: string[][]; given?: string[] }
export interface AnswerableReply {
  treatments: string[][];
  outcomes: string[][];
  given: string[];
  asked: number;
  identified: number;
  forms: Record<string, number>;
  pairs: AnswerablePair[];
  legend: Record<string, string>; // the sign of each form that occurs, with its name and how many there are
  headline: string;
  text: string;
}
export interface AnswerablePair {
  treatment: string[];
  outcome: string[];
  query: string;
  identifiable: boolean;
  form: string; // "no effect", "back-door", ..., "not identified"
  sign: string; // one character
  hedge: [string[], string[]] | null;
}

// --- implications: what data could contradict

export interface ImplicationsRequest { text: string }
export interface ImplicationsReply {
  nodes: string[]; // for `marked`, as in VerdictReply
  independences: Independence[];
  basis: Independence[]; // these imply all others
  basis_complete: boolean;
  verma: { formula: string; latex: string; marked: string; text: string; nodes: string[]; free_of: string[] }[];
  inequalities: { instrument: string; treatment: string; outcome: string; text: string; latex: string }[];
  text: string;
}
export interface Independence { first: string[]; second: string[]; given: string[]; text: string; latex: string }

// --- measurements, forms: what else there is to say of a question

export interface MeasurementsRequest { text: string; query: string; costs?: Record<string, number>; experiments?: string[][] }
export interface MeasurementsReply {
  queries: string[];
  cheapest: string[];
  cost: number;
  proved: boolean;
  minimal: string[][];
  cut: string;
  needed: string[];
  unneeded: string[];
  experiments?: string[][]; // those that were given, if there are any
  text: string;
}
export interface FormsRequest { text: string; query: string }
export interface FormsReply {
  treatments: string[];
  outcomes: string[];
  has_effect: boolean;
  adjustment_sets: string[][];
  more_adjustment_sets: boolean;
  best_adjustment: Record<string, unknown> | null;
  front_door: string[] | null;
  conditional_front_door: Record<string, unknown> | null;
  instruments: { node: string; given: string[] }[];
  fixability: Record<string, unknown> | null;
  text: string;
}

// --- complete: what may be typed next in a question

export interface CompleteRequest { text: string; query: string; cursor: number } // cursor: characters before it
export interface CompleteReply {
  from: number; // the stretch of the query that a candidate replaces
  to: number;
  candidates: Candidate[];
}
export interface Candidate {
  insert: string;
  label: string;
  kind: "form" | "node" | "level" | "sign" | "word";
  detail: string;
  cursor: number; // where the cursor stands then, counted from the start of `insert`
}

// --- import, export, draw

export interface ImportRequest { content: string; name?: string; format?: string } // name: the file's, for its ending
export interface ImportReply { text: string; queries: string[]; report: Report }
export interface Report {
  format: string;
  source: string;
  nodes: number;
  edges: number;
  dropped: string[];
  unsigned: string[];
  contradictory: string[];
  cycles: string[];
  broken: string[];
  notes: string[];
  doubts: string[];
  references: Record<string, unknown>;
  text: string; // the whole as people read it
}
export interface ExportRequest { text: string; format: string; queries?: string[]; name?: string }
export interface ExportReply { content: string; name: string; media_type: string; report: Report | null }
export interface DrawRequest { text: string; format: "svg" | "tikz" | "mermaid"; query?: string; title?: string }
export interface DrawReply { content: string; name: string; media_type: string }

// --- formats: what can be imported and exported

export interface FormatsReply { formats: { name: string; title: string; suffixes: string[]; reads: boolean; writes: boolean }[] }

// --- all of them

export interface Verbs {
  read: [ReadRequest, Reading];
  edit: [EditRequest, Edited];
  verdict: [VerdictRequest, VerdictReply];
  proof: [ProofRequest, ProofReply];
  witness: [WitnessRequest, WitnessReply];
  answerable: [AnswerableRequest, AnswerableReply];
  implications: [ImplicationsRequest, ImplicationsReply];
  measurements: [MeasurementsRequest, MeasurementsReply];
  forms: [FormsRequest, FormsReply];
  complete: [CompleteRequest, CompleteReply];
  import: [ImportRequest, ImportReply];
  export: [ExportRequest, ExportReply];
  draw: [DrawRequest, DrawReply];
  formats: [Record<string, never>, FormatsReply];
}
export type Verb = keyof Verbs;
export type Asked<V extends Verb> = Verbs[V][0];
export type Answered<V extends Verb> = Reply<Verbs[V][1]>;
