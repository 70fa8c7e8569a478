// Decides what of the npm packages reaches the browser: bundles src/ into server/http/ide/, with the licences of all of it.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../../server/http/ide");
const assets = join(target, "assets");
const ALLOWED = new Set(["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"]);

// GraphiQL's style sheet carries Roboto and Fira Code inside itself; without them the policy needs no font source at all.
const withoutFonts = {
  name: "without-fonts",
  setup(builder) {
    builder.onLoad({ filter: /graphiql[\\/]dist[\\/]style\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/@font-face\s*\{[^}]*\}/g, ""),
      loader: "css",
    }));
  },
};

async function bundle() {
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  return build({
    absWorkingDir: here,
    entryPoints: { graphiql: "src/main.jsx", page: "src/page.css", icon: "src/icon.svg" },
    entryNames: "[name]-[hash]",
    outdir: assets,
    alias: { "react-style-singleton": "./src/sheetless.js" },
    bundle: true,
    minify: true,
    // GraphiQL derives what a screen reader says about an icon from the name of the function that draws it.
    keepNames: true,
    sourcemap: false,
    legalComments: "none",
    format: "esm",
    target: ["es2022"],
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".svg": "copy" },
    plugins: [withoutFonts],
    metafile: true,
    logLevel: "info",
  });
}

function page(names) {
  const href = (stem) => `ide/${names.find((name) => name.startsWith(`${stem}-`))}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clinic Billing · GraphiQL</title>
<link rel="icon" type="image/svg+xml" href="${href("icon")}">
<link rel="stylesheet" href="${href("page")}">
<script type="module" src="${href("graphiql")}"></script>
</head>
<body>
<div id="root"></div>
<noscript><p class="unscripted">This page needs JavaScript. The API itself answers POST requests at this address.</p></noscript>
</body>
</html>
`;
}

// Only what left bytes in the bundle counts: much is read and then found to be unused.
function packageFolders(outputs) {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const folders = used.map((path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]);
  return [...new Set(folders.filter(Boolean))].sort();
}

function licence(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
  if (!ALLOWED.has(license)) throw new Error(`${name} ${version} is licensed as ${license}, which nobody has agreed to.`);
  const file = readdirSync(join(here, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file
    ? readFileSync(join(here, folder, file), "utf8").trim()
    : `The package carries no licence file; its manifest says ${license}. Author: ${author?.name ?? author ?? name}.`;
  return `${name} ${version} (${license})\n${"-".repeat(72)}\n${text}\n`;
}

// A test compares this with the sources, so that nobody edits them and forgets to build.
function fingerprint() {
  const sources = ["build.mjs", "package-lock.json", ...readdirSync(join(here, "src")).sort().map((name) => `src/${name}`)];
  const hash = createHash("sha256");
  for (const name of sources) hash.update(`${name}\n`).update(readFileSync(join(here, name)));
  return hash.digest("hex");
}

const { metafile } = await bundle();
const names = Object.keys(metafile.outputs).map((path) => basename(path));
writeFileSync(join(target, "index.html"), page(names));
const licences = packageFolders(metafile.outputs).map(licence);
writeFileSync(
  join(target, "LICENSE"),
  `The files in assets/ are built from these npm packages, each under its own licence.\n\n${licences.join(`\n${"=".repeat(72)}\n`)}`,
);
writeFileSync(join(target, "sources.sha256"), `${fingerprint()}\n`);
console.log(`${licences.length} packages in ${relative(process.cwd(), target)}`);
