// Makes dist/index.js, one file without imports. With --test, the tests as well.
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const WORKER = "worker:";

/** `import code from "worker:./x.ts"` is the bundled program of a worker, as a string. */
const workers = {
  name: "workers",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker:/ }, ({ path, resolveDir }) => ({
      namespace: "worker",
      path: path.slice(WORKER.length),
      pluginData: resolveDir,
    }));
    onLoad({ filter: /.*/, namespace: "worker" }, async ({ path, pluginData: absWorkingDir }) => {
      const entry = { ...shared, absWorkingDir, entryPoints: [path], format: "iife", write: false };
      const { outputFiles } = await build(entry);
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

const shared = { bundle: true, minify: true, target: "es2022", logLevel: "warning" };
const folder = fileURLToPath(new URL(".", import.meta.url));
const modules = { ...shared, absWorkingDir: folder, format: "esm", plugins: [workers] };

await build({ ...modules, entryPoints: ["src/index.ts"], outdir: "dist", sourcemap: true });
if (process.argv.includes("--test")) {
  const tests = (await readdir(`${folder}test`)).map((name) => `test/${name}`);
  await build({ ...modules, entryPoints: tests, outdir: "dist/test", platform: "node" });
}
