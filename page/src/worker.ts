// Python in a worker: Pyodide, the symbolic half of latentdo, and `reply`, text in and text out.
//
// It stands beside `pyodide/` and `latentdo.zip`, where `latentdo site` puts them, and fetches nothing else.

interface Pyodide {
  unpackArchive(content: ArrayBuffer, format: "zip", options: { extractDir: string }): void;
  runPython(code: string): unknown;
}

interface Runtime {
  loadPyodide(options: { indexURL: string }): Promise<Pyodide>;
}

type Reply = (request: string) => string;
type Request = { id: number; request: string };
type Told = { id: number; reply: string } | { loading: string } | { failed: string };

export {};

const PACKAGE = "/latentdo";

function tell(told: Told): void {
  self.postMessage(told);
}

async function content(name: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(name, self.location.href));
  if (!response.ok) throw new Error(`${name} is not there (HTTP ${response.status})`);
  return response.arrayBuffer();
}

async function load(): Promise<Reply> {
  tell({ loading: "Loading Python …" });
  const runtime = new URL("pyodide/", self.location.href).href;
  const archive = content("latentdo.zip");
  archive.catch(() => undefined); // told below, where it is waited for
  const { loadPyodide } = (await import(`${runtime}pyodide.mjs`)) as Runtime;
  const python = await loadPyodide({ indexURL: runtime });
  tell({ loading: "Loading latentdo …" });
  python.unpackArchive(await archive, "zip", { extractDir: PACKAGE });
  const reply = python.runPython(
    `import sys; sys.path.insert(0, ${JSON.stringify(PACKAGE)})\nfrom latentdo.web.bridge import reply\nreply`,
  ) as Reply;
  tell({ loading: "" });
  return reply;
}

const ready = load().catch((error: unknown) => {
  const why = error instanceof Error ? error.message : String(error);
  tell({ failed: `Python could not be loaded in this browser: ${why}.` });
  return null;
});

/** A reply where Python itself broke: the bridge has one for everything else. */
function broken(error: unknown): string {
  const why = (error instanceof Error ? error.message : String(error)).trim().split("\n").pop();
  const message = `This is a fault of latentdo, not of your input (${why}). Please report it with what you did.`;
  return JSON.stringify({ ok: false, error: { kind: "bug", message, line: null, column: null } });
}

self.onmessage = async ({ data }: MessageEvent<Request>): Promise<void> => {
  const reply = await ready;
  if (reply === null) return; // `failed` was told, to all that wait
  let text: string;
  try {
    text = reply(data.request);
  } catch (error) {
    text = broken(error);
  }
  tell({ id: data.id, reply: text });
};
