/** Holds that every adapter is proved: a test of it calls the conformance suite of its port. */
import { posix } from "node:path"
import * as Source from "../Source.ts"
import * as Gate from "./Gate.ts"

/** The suites that are not called after their port: the durability seam is one over a port of Effect's, and `TwinService` makes twins. */
const others: Readonly<Record<string, string>> = { Durable: "WorkflowEngineTest", TwinService: "TwinTest" }

const suiteOf = (port: string): string => others[port] ?? `${port}Test`

const nounsOf = (source: Source.Source): ReadonlyArray<string> =>
  source.imports.map(({ from }) => posix.basename(from, ".ts"))

const isImportOf = (adapter: Source.Source, test: Source.Source): boolean => {
  const { noun, pack } = Source.placeOf(adapter.path)
  return test.imports.some(
    ({ from }) =>
      from === `@millwright/${pack}/adapters/${noun}` || posix.join(posix.dirname(test.path), from) === adapter.path
  )
}

/** A program stands among the adapters for what it runs on. It has no port, so what proves it is a test that runs it. */
const isProgram = ({ text }: Source.Source): boolean => text.startsWith("#!")

const isRun = ({ path }: Source.Source, tests: ReadonlyArray<Source.Source>): boolean =>
  tests.some(({ code }) => code.includes(path.slice(path.indexOf("/src/") + 1)))

/** Every `adapters/X.ts` has a test that imports it and calls `PortTest.suite(`, where the adapter imports `Port`, and every program one that runs it. */
export const gate = Gate.make("suites", "every adapter has a test that calls its port's conformance suite", (root) => {
  const adapters = Source.read(root, "packages/*/src/adapters/*.ts").filter(({ path }) => !path.endsWith("/index.ts"))
  const tests = Source.read(root, "packages/*/test/**/*.test.ts")
  const failures = adapters.flatMap((adapter) => {
    if (isProgram(adapter)) {
      return isRun(adapter, tests) ? [] : [`${adapter.path}: no test runs it. Start it by its path in one`]
    }
    const suites = nounsOf(adapter).map(suiteOf)
    const own = tests.filter((test) => isImportOf(adapter, test))
    const isProved = own.some(({ code }) =>
      suites.some((suite) => new RegExp(`\\b${suite}\\s*\\.\\s*suite\\s*\\(`).test(code))
    )
    if (isProved) return []
    const where =
      own.length === 0 ? "no test imports it" : `${own.map(({ path }) => path).join(", ")} calls no suite of its port`
    return [`${adapter.path}: ${where}. Call PortTest.suite(name, layer) of the port it implements`]
  })
  return { failures, note: `${adapters.length} adapters` }
})
