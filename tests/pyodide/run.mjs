// Runs a Python file in Pyodide: node run.mjs PYODIDE SITE SOURCE FILE; its last value is printed.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [pyodide, site, source, file] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`).href);
const python = await loadPyodide();
for (const [at, root] of Object.entries({ "/site": site, "/source": source })) {
  python.FS.mkdirTree(at);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, at);
}
await python.runPythonAsync("import sys; sys.path[:0] = ['/source', '/site']");
try {
  console.log(await python.runPythonAsync(readFileSync(file, "utf8")));
} catch (error) {
  console.error(String(error).slice(-3000));
  process.exit(1);
}
// What the code has begun may keep Node alive; nobody waits for it.
process.exit();
