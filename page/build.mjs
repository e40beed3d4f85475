// Builds the page into src/latentdo/web/static, or into the folder named after --out. Same sources, same bytes.
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const named = process.argv.indexOf("--out");
const out = named < 0 ? join(here, "../src/latentdo/web/static") : process.argv[named + 1];

/** KaTeX names three files for each font; every browser that runs the page reads woff2. */
const woff2Only = {
  name: "woff2-only",
  setup(build) {
    build.onLoad({ filter: /katex\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/, url\([^)]*\.(woff|ttf)\) format\("(woff|truetype)"\)/g, ""),
      loader: "css",
    }));
  },
};

const entries = { page: "src/main.ts", theme: "src/theme.ts", style: "style.css" };
if (existsSync(join(here, "src/worker.ts"))) entries.worker = "src/worker.ts";

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: entries,
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none", // they stand in THIRD_PARTY.txt
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]",
  plugins: [woff2Only],
  logLevel: "warning",
});
await cp(join(here, "index.html"), join(out, "index.html"));

/** The licences of everything that the built files hold. */
async function licences() {
  const parts = ["What latentdo's page holds of others, each under its own licence.\n"];
  for (const name of ["cytoscape", "cytoscape-dagre", "katex"]) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    parts.push(section(`${name} ${version}`, await readFile(join(folder, "LICENSE"), "utf8")));
  }
  for (const file of (await readdir(join(here, "licences"))).sort())
    parts.push((await readFile(join(here, "licences", file), "utf8")).trim() + "\n");
  return parts.join("\n");
}

function section(title, text) {
  return `${"=".repeat(78)}\n${title}\n${"=".repeat(78)}\n\n${text.trim()}\n`;
}

await writeFile(join(out, "THIRD_PARTY.txt"), await licences());
