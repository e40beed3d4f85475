// The one way to Python: a verb and JSON in, JSON out. A server answers, or Pyodide in a worker; nobody else can tell.

import type { Verb, Verbs } from "./contract.js";

/** Why Python refused. */
export interface Fault {
  kind: string;
  message: string;
  line?: number | null;
  column?: number | null;
}

/** Raised for `{"ok": false}`, and where no answer came at all (kind `unreachable`). */
export class BridgeError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

/** Whether nobody answered. */
export function isLost(error: unknown): boolean {
  return error instanceof BridgeError && error.fault.kind === "unreachable";
}

export interface Bridge {
  /** Whether tables, fits and answers are to be had. */
  readonly served: boolean;
  /** The reply to a verb. Throws a BridgeError, or an AbortError once `signal` fires. */
  call<V extends Verb>(verb: V, request: Verbs[V][0], signal?: AbortSignal): Promise<Verbs[V][1]>;
  /** The same of a verb that the server alone has. */
  callServed<Reply>(verb: string, request?: object, signal?: AbortSignal): Promise<Reply>;
  /** A request to the server alone: uploads, events, downloads. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Told once, or as loading goes on: empty when all is there. */
  onLoading(listener: (words: string) => void): void;
}

/** The server when it gave the page its token, else a worker. */
export function openBridge(): Bridge {
  const token = document.querySelector<HTMLMetaElement>('meta[name="latentdo-token"]')?.content ?? "";
  return token ? new ServedBridge(token) : new WorkerBridge();
}

type Reply = { ok: true; [field: string]: unknown } | { ok: false; error: Fault };

function opened<T>(reply: Reply): T {
  if (reply.ok) return reply as T;
  throw new BridgeError(reply.error);
}

function unreachable(message: string): BridgeError {
  return new BridgeError({ kind: "unreachable", message });
}

class ServedBridge implements Bridge {
  readonly served = true;
  constructor(private readonly token: string) {}

  call<V extends Verb>(verb: V, request: Verbs[V][0], signal?: AbortSignal): Promise<Verbs[V][1]> {
    return this.callServed(verb, request, signal);
  }

  async callServed<T>(verb: string, request: object = {}, signal?: AbortSignal): Promise<T> {
    const init: RequestInit = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    };
    if (signal) init.signal = signal;
    const response = await this.fetch(`api/${verb}`, init);
    let reply: Reply;
    try {
      reply = (await response.json()) as Reply;
    } catch (error) {
      if (signal?.aborted) throw error;
      throw unreachable(`The server's reply to "${verb}" could not be read (HTTP ${response.status}).`);
    }
    return opened<T>(reply);
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("X-Latentdo-Token", this.token);
    try {
      return await fetch(path, { ...init, headers, credentials: "same-origin" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw unreachable("The server does not answer. Is `latentdo serve` still running? Your text is kept in the address.");
    }
  }

  onLoading(listener: (words: string) => void): void {
    listener("");
  }
}

/** What the worker says: the reply to a request, how loading goes, or that it cannot. */
type Told = { id: number; reply: string } | { loading: string } | { failed: string };

class WorkerBridge implements Bridge {
  readonly served = false;
  private readonly worker: Worker;
  /** Requests in order; the worker has the first, the others can still be withdrawn. */
  private queue: { id: number; request: string; answer: (reply: string) => void; fail: (error: Error) => void }[] = [];
  private listeners: ((words: string) => void)[] = [];
  private words = "Loading Python …";
  private broken: Error | null = null;
  private next = 0;

  constructor() {
    this.worker = new Worker("worker.js", { type: "module" }); // Pyodide runs in no other kind
    this.worker.onmessage = ({ data }: MessageEvent<Told>) => this.hear(data);
    this.worker.onerror = (event) => this.fail(event.message || "Python could not be loaded in this browser.");
  }

  async call<V extends Verb>(verb: V, request: Verbs[V][0], signal?: AbortSignal): Promise<Verbs[V][1]> {
    if (this.broken) throw this.broken;
    const id = this.next++;
    const reply = await new Promise<string>((answer, fail) => {
      this.queue.push({ id, request: JSON.stringify({ verb, ...request }), answer, fail });
      if (this.queue.length === 1) this.send();
      signal?.addEventListener("abort", () => {
        this.queue = this.queue.filter((each, at) => at === 0 || each.id !== id);
        fail(new DOMException("a newer request took its place", "AbortError"));
      });
    });
    return opened<Verbs[V][1]>(JSON.parse(reply) as Reply);
  }

  callServed(): Promise<never> {
    return this.fetch();
  }

  fetch(): Promise<never> {
    return Promise.reject(unreachable("This page has no server. Tables and fits need `latentdo serve`."));
  }

  onLoading(listener: (words: string) => void): void {
    this.listeners.push(listener);
    listener(this.words);
  }

  private send(): void {
    const [first] = this.queue;
    if (first) this.worker.postMessage({ id: first.id, request: first.request });
  }

  private hear(told: Told): void {
    if ("failed" in told) this.fail(told.failed);
    else if ("loading" in told) this.tell(told.loading);
    else {
      this.queue.shift()?.answer(told.reply);
      this.send();
    }
  }

  private tell(words: string): void {
    this.words = words;
    for (const listener of this.listeners) listener(words);
  }

  private fail(message: string): void {
    this.broken = unreachable(message);
    for (const { fail } of this.queue) fail(this.broken);
    this.queue = [];
    this.tell(message);
  }
}
