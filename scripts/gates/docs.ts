/** Holds that every exported name, and every file, says what it is for. */
import * as Source from "../Source.ts"
import * as Gate from "./Gate.ts"

/** A doc block on every file and on every exported name of a package's `src`. */
export const gate = Gate.make("docs", "a doc block on every file and exported name of src", (root) => {
  const sources = Source.read(root, "packages/*/src/**/*.ts").filter(({ path }) => !path.endsWith("/index.ts"))
  const failures = sources.flatMap(({ doc, exports, path }) => [
    ...(doc === undefined || doc === ""
      ? [`${path}:1 starts with no doc block. Say in one sentence what the noun is`]
      : []),
    ...exports
      .filter((one) => one.doc === undefined || one.doc === "")
      .map(({ line, name }) => `${path}:${line} ${name} has no doc block. Say in one line what it is for`)
  ])
  const count = sources.reduce((sum, source) => sum + source.exports.length, 0)
  return { failures, note: `${count} names` }
})
