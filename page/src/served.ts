// What the server answers besides the bridge's verbs: tables, fits, answers, files. Every request is `POST api/<verb>` with a
// JSON object, unless it says otherwise; every reply is `{ok: true, …}` or `{ok: false, error}`. Names are those of Python.

/** One column of the table that was brought. */
export interface Column {
  name: string;
  /** `unreadable` has a `problem`, and nothing else is known of it. */
  kind: "numbers" | "names" | "unreadable";
  missing: number;
  /** Different values that were seen. */
  distinct: number;
  minimum: number | null;
  maximum: number | null;
  mean: number | null;
  sd: number | null;
  /** Of numbers: a quarter lies below the first, a quarter above the second. */
  quartiles: [number, number] | null;
  /** Of numbers: equally wide, each with how many rows lie in it. */
  bins: { from: number; to: number; count: number }[];
  /** Of names: the most frequent first, at most 50. */
  levels: { level: string; count: number }[];
  /** Of names, if these can be nodes that were set: how many rows have which set; null where they cannot. */
  regimes: Regime[] | null;
  problem: string | null;
}

/** Rows in which the same nodes were set; in those as they came, none. */
export interface Regime {
  do: string[];
  rows: number;
}

export interface Table {
  name: string;
  rows: number;
  columns: Column[];
}

/** `POST api/table`: the body is the file, the header `X-Name` its name (`encodeURIComponent`). */
export interface TableReply {
  ok: true;
  table: Table;
}

/** How to read and train; what is left out has its default. Engines and their numbers are in `SessionReply.engines`. */
export interface Study {
  text: string;
  /** Texts, or pairs of a name and a text. */
  queries?: (string | [string, string])[];
  missing?: "latent" | "drop" | null;
  /** A column that names, row by row, the nodes that were set there. */
  do?: string | null;
  engine?: string;
  /** Numbers of the engine by name, such as `draws`. */
  settings?: Record<string, number | string>;
  seed?: number;
  /** Whether the fit is set against its rows at the end; where left out, if that takes seconds. */
  check?: boolean | null;
  /** Other entries of a study file, such as `priors` and `units`; where left out, those of `SessionReply.study`. */
  more?: Record<string, unknown>;
}

/** `check` {text, queries, missing, do}: of a model what `latentdo check STUDY --json` prints, of a graph `check GRAPH`. */
export interface CheckReply {
  ok: true;
  of: "model" | "graph";
  report: Record<string, unknown>;
  /** The same as it is printed. */
  text: string;
  /** Of a model: cautions and proposals, each a sentence, by the column that they name first; those of none under "". */
  cautions: Record<string, string[]>;
}

/** `plan` {…Study}: what would be trained. */
export interface PlanReply {
  ok: true;
  engine: string;
  rows: number;
  /** Groups of nodes that are trained together, the longest first. */
  blocks: { name: string; nodes: string[]; latent: string[] }[];
  /** The file that the session would write, for `latentdo fit`. */
  study: string;
}

export interface Block {
  name: string;
  share: number;
  /** Seconds; null where that cannot be told. */
  left: number | null;
  state: "waiting" | "running" | "done";
}

/** How training stands. An earlier fit stays, with its answers, until a new one is done: `fit` is there then, whatever the state. */
export interface FitState {
  /** Whether a training that was stopped, or failed, has something to go on from. */
  goes_on: boolean;
  state: "none" | "running" | "stopped" | "failed" | "done";
  /** Of this run; earlier ones are not counted. */
  seconds: number;
  left: number | null;
  /** From 0 to 1, over all blocks. */
  share: number;
  blocks: Block[];
  /** What is done once all blocks are trained, in words. */
  step: string | null;
  /** What was said on the way. */
  notes: string[];
  /** Why it failed. */
  error: { kind: string; message: string; line: number | null; column: number | null } | null;
  /** What the fit is of, as it was asked for, or what is trained while there is none; of an opened fit, its model. */
  study: Study | null;
  /** That model as `read` has it: what a text means, whatever its comments and blanks. */
  canonical: string | null;
  /** The name of the table that it was trained on, where the one at hand has other rows. */
  table: string | null;
  /** The name of the .ldo file that was opened in place of a fit that was trained here. */
  opened: string | null;
  /** What is known of the fit that can be asked; null while there is none. */
  fit: FitFacts | null;
}

/** What `latentdo fit --json` prints, without the path; and the page that it prints. */
export interface FitFacts {
  converged: boolean;
  doubt: string | null;
  engine: string;
  approximate: string[];
  seed: number;
  n_rows: number;
  /** What was set in how many of its rows; left out where nothing was. */
  regimes?: Regime[];
  seconds: number;
  plan: string[];
  queries: { name: string; query: string }[];
  warnings: string[];
  /** The word of the check of the fit, such as `fits` or `contradicted`; null where it was not checked. */
  word: string | null;
  /** What that check found, as `latentdo check fit.ldo --json` has it. */
  check: Record<string, unknown> | null;
  summary: string;
  /** The values of each node that has only some, in their order. */
  levels: Record<string, (string | number)[]>;
  [more: string]: unknown;
}

/** `session` {}: where things stand, to be asked when the page is loaded. Two tabs share one session. */
export interface SessionReply {
  ok: true;
  version: string;
  /** What `latentdo serve STUDY` was given. */
  study: Study | null;
  table: Table | null;
  fit: FitState;
  /** The numbers that each engine takes. */
  engines: Record<string, string[]>;
  /** Methods that `compare` knows. */
  methods: string[];
  /** Whether pictures can be drawn (matplotlib). */
  pictures: boolean;
}

/** `fit` {…Study}, `stop` {}, `resume` {}, and `POST api/open` (the body is an .ldo file): the state right after. */
export interface FitReply {
  ok: true;
  fit: FitState;
}

/** `GET api/events`, server-sent: `event: fit` with a FitState, `event: table` with a Table or null. */
export interface Events {
  fit: FitState;
  table: Table | null;
}

/** One answer, as `latentdo ask --json` has it. */
export interface Answer {
  query: string;
  name: string | null;
  mean: number | null;
  sd: number | null;
  interval: [number, number] | null;
  level: number;
  median: number | null;
  mcse: number | null;
  rhat: number | null;
  ess: number | null;
  identified: boolean;
  converged: boolean;
  warnings: string[];
  notes: string[];
  approximate: string | null;
  unit: string | null;
  /** Of a point of a curve: its place. */
  at: Record<string, number | string> | null;
  naive: Answer | null;
  /** What the check of the fit says of it. */
  fit: { word: string; could_move: number | null; advice: string[]; [more: string]: unknown } | null;
  [more: string]: unknown;
}

/** `ask` {queries, level = 0.9, seed = 0, allow_unidentified = false, naive = false}. */
export interface AskReply {
  ok: true;
  answers: Answer[];
  text: string;
}

/** `sweep` {query, node, from, to, points = 21, level, seed}, or with `values` in place of from, to and points: `query` at
 * values of `node` that its first term sets. */
export type SweepReply = AskReply;

/** `compare` {queries, methods?, level, seed, allow_unidentified}: rows as `latentdo compare --json` has them. */
export interface CompareReply {
  ok: true;
  rows: {
    query: string;
    name: string | null;
    method: string;
    estimate: number | null;
    sd: number | null;
    lower: number | null;
    upper: number | null;
    applies: boolean;
    note: string;
    warnings: string[];
    [more: string]: unknown;
  }[];
  differences: Record<string, unknown>[];
  text: string;
}

/** `plot` {kind}: the last answers, curve or comparison, the check of the fit, or the shapes of its parents. */
export interface PlotReply {
  ok: true;
  svg: string;
}
export type PlotKind = "answers" | "sweep" | "compare" | "check" | "shapes";

/** `GET api/download/<kind>`, a file: what was asked last is in it. `POST api/download/study` {…Study}: the file of that study. */
export type DownloadKind =
  | "fit" // fit.ldo
  | "study" // study.yaml
  | "script" // session.py: the same numbers
  | "commands" // session.sh: the same numbers
  | "csv" // answers.csv
  | "json" // answers.json
  | "latex" // answers.tex
  | "methods" // methods.txt: a paragraph for a paper
  | "report"; // report.html

/** `forget` {what = "all"}: "table", "fit" or "all" is removed from this machine's temporary folder. */
export type ForgetReply = SessionReply;
