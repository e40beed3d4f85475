// What the bridge says of a document, until contract.ts has it.

export interface Node {
  name: string;
  latent: boolean;
  family?: string | null;
  line?: number | null;
}

export type EdgeKind = "->" | "-|" | "<->";

export interface Edge {
  tail: string;
  head: string;
  kind: EdgeKind;
  line?: number | null;
}

export interface Reading {
  kind: "graph" | "model";
  nodes: Node[];
  edges: Edge[];
  notes: string[];
}

export type Role = "treatment" | "outcome" | "given";

export interface Verdict {
  query: string;
  identified: boolean;
  words: string;
  roles: { [node: string]: Role };
}

export type Edit =
  | { op: "add_node"; name: string; latent?: boolean }
  | { op: "remove_node"; name: string }
  | { op: "rename"; name: string; to: string }
  | { op: "set_latent"; name: string; latent: boolean }
  | { op: "add_edge" | "remove_edge" | "flip"; tail: string; head: string; kind: EdgeKind }
  | { op: "sign"; tail: string; head: string; sign: "" | "+" | "-" };
