/** How long a fresh process takes to import an agent framework, and what the types of its smallest program cost. */
import { execFileSync } from "node:child_process"
import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Architecture from "../scripts/Architecture.ts"
import { root } from "../scripts/Command.ts"
import * as Installed from "../scripts/Installed.ts"
import * as Bench from "./Bench.ts"
import * as Types from "./import/Types.ts"
import * as Peer from "./Peer.ts"

/** What is measured. */
export const description =
  "import of the packages in a fresh process and the types of a small program, beside the peers"

/** What can be set. */
export const options = {
  runs: { type: "number", about: "fresh processes per module that the median is taken of", default: 7 }
} as const satisfies Bench.Options

/** A module, and who it belongs to. Ours, and what ours is built on, have no folder of a peer. */
interface Subject {
  readonly module: string
  readonly peer?: string
  readonly folder?: string
  readonly hello?: string
}

const subjects: ReadonlyArray<Subject> = [
  { module: "@millwright/agents", hello: "hello.ts" },
  { module: "@millwright/agents/Role" },
  { module: "@millwright/core" },
  { module: "effect/Schema", peer: "effect" },
  { module: "ai", peer: "AI SDK", folder: "agents", hello: "hello/ai.ts" },
  { module: "@earendil-works/pi-agent-core", peer: "pi", folder: "agents", hello: "hello/pi.ts" },
  { module: "@openai/agents", peer: "OpenAI agents", folder: "agents", hello: "hello/openai-agents.ts" },
  { module: "@mastra/core/agent", peer: "Mastra", folder: "agents", hello: "hello/mastra.ts" },
  { module: "@langchain/langgraph", peer: "LangGraph", folder: "langgraph" }
]

interface Import {
  readonly ms: number
  readonly cpu: number
}

/** One import, in a process of its own. */
const once = (folder: string, name: string): Import => {
  const script =
    `const before = process.cpuUsage(), start = performance.now(); await import(${JSON.stringify(name)}); ` +
    `const ms = performance.now() - start, used = process.cpuUsage(before); ` +
    `console.log(JSON.stringify({ ms, cpu: (used.user + used.system) / 1000 })); process.exit(0)`
  const args = ["--no-warnings", "--input-type=module", "--eval", script]
  const printed: Import = JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }))
  return printed
}

/** Measures. Builds and packs the packages first; all take turns. */
export const run: Bench.Run<typeof options> = ({ runs }, progress) =>
  Installed.inTemporaryFolder(async (own) => {
    const packs = Object.keys(Architecture.packages)
    const folders = new Map(["agents", "langgraph"].map((peer) => [peer, Peer.install(peer, progress)]))
    progress("building and packing")
    await Installed.build(root, packs)
    await Installed.unpack(root, own, packs)
    writeFileSync(join(own, "package.json"), JSON.stringify({ type: "module" }))
    copyFileSync(join(import.meta.dirname, "import", "hello.ts"), join(own, "hello.ts"))
    const folderOf = ({ folder }: Subject): string => (folder === undefined ? own : (folders.get(folder) ?? own))

    const seen = new Map(subjects.map((subject) => [subject, Array<Import>()]))
    // The first brings the files into memory and does not count.
    for (let number = 0; number <= runs; number++) {
      progress(`import ${number} of ${runs}`)
      for (const [subject, imports] of seen) {
        const found = once(folderOf(subject), subject.module)
        if (number > 0) imports.push(found)
      }
    }
    const figures = [
      ...compared(
        "import",
        "ms",
        [...seen].map(([subject, all]) => [subject, all.map(({ ms }) => ms)])
      ),
      ...compared(
        "import, processor",
        "ms",
        [...seen].map(([subject, all]) => [subject, all.map(({ cpu }) => cpu)])
      )
    ]
    const types: Array<readonly [Subject, ReadonlyArray<number>]> = []
    for (const subject of subjects) {
      if (subject.hello === undefined) continue
      progress(`types of ${subject.hello}`)
      types.push([subject, [(await Types.check(folderOf(subject), subject.hello)).instantiations]])
    }
    return {
      figures: [...figures, ...compared("types", "instantiations", types)],
      versions: Object.fromEntries(
        subjects.flatMap(({ folder, module }) => {
          const name = module
            .split("/")
            .slice(0, module.startsWith("@") ? 2 : 1)
            .join("/")
          return folder === undefined ? [] : [[name, Peer.versionIn(folders.get(folder) ?? "", name)]]
        })
      ),
      notes: [
        "Everything of ours is Effect: effect/Schema is what no package on it gets below, and it is more than all of the AI SDK.",
        "Types: the smallest program with a tool of its own, checked by the compiler of this workspace (strict, skipLibCheck)."
      ]
    }
  })

/** The figures of all; those of ours shall be no more than the least of the peers. */
const compared = (
  name: string,
  unit: string,
  all: ReadonlyArray<readonly [Subject, ReadonlyArray<number>]>
): ReadonlyArray<Bench.Measured> => {
  const least = Math.min(
    ...all.flatMap(([{ folder }, values]) => (folder === undefined ? [] : [Bench.middle(values).value]))
  )
  return all.map(([{ module, peer }, values]) => ({
    name: `${name}: ${module}`,
    unit,
    ...Bench.middle(values),
    ...(peer === undefined ? { goal: { op: "<=", value: least } } : { peer })
  }))
}
