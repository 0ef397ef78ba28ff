/** How a package is built to JavaScript: every source to a module of its own, imports kept. `tsc` adds declarations. */
import { defineConfig } from "tsup"

/** The build of the package whose folder it runs in. */
export default defineConfig({
  entry: ["src/**/*.ts"],
  format: "esm",
  target: "es2023",
  platform: "node",
  outDir: "dist",
  clean: true,
  sourcemap: true,
  splitting: false,
  // `node:sqlite` and `node:test` exist under that name only.
  removeNodeProtocol: false,
  silent: true,
  esbuildPlugins: [
    {
      name: "one module per source",
      setup: (build) =>
        build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
          kind === "entry-point" ? undefined : { path: path.replace(/^(\.{1,2}\/.*)\.ts$/, "$1.js"), external: true }
        )
    }
  ]
})
