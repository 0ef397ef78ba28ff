/** How well the secret scan finds planted secrets, how often it is wrong about published code, and how fast it reads. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as SecretFolder from "@millwright/validators/SecretFolder"
import * as SecretRules from "@millwright/validators/SecretRules"
import * as SecretScan from "@millwright/validators/SecretScan"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Planted from "./secrets/Planted.ts"

/** What is measured. */
export const description = "the secret scan: planted secrets found, false hits in published code, speed"

/** What can be set. */
export const options = {
  planted: {
    type: "file",
    about: "secrets to find, one JSON object a line, as benchmarks/data/secrets/README.md says",
    default: fileURLToPath(new URL("./data/secrets/planted.jsonl", import.meta.url))
  },
  clean: {
    type: "folder",
    about: "published code: what is found there counts as false",
    default: fileURLToPath(new URL("../node_modules/.pnpm", import.meta.url))
  }
} as const satisfies Bench.Options

/** What a rule that looks at some paths only may be given. */
const paths = [
  "planted.php",
  "planted.tf",
  "nuget.config",
  "planted.yaml",
  "planted.p12",
  "planted.env",
  "planted.json"
]

const pathOf = (rules: SecretRules.SecretRules, { isOfPath, rule }: Planted.Planted): string => {
  const wanted = rules.rules.find(({ id }) => id === rule)?.path
  if (!isOfPath || wanted === undefined) return "planted.txt"
  return paths.find((path) => new RegExp(wanted.replace("(?i)", ""), "i").test(path)) ?? "planted.txt"
}

/** A package's own path: what gitleaks allows for lying in `node_modules` is what is to be looked at here. */
const inPackage = (path: string): string => path.replace(/^.*node_modules\//, "")

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ clean, planted: file }, progress) => {
  const planted = Planted.load(file)
  const rules = Effect.runSync(SecretRules.usual)
  const scan = SecretScan.make(rules)
  const shown = planted.map((one) => {
    const { findings } = scan.scan({ path: pathOf(rules, one), text: one.text })
    return {
      rule: one.rule,
      found: [...new Set(findings.map(({ rule }) => rule))],
      tells: JSON.stringify(findings).includes(one.secret)
    }
  })
  const any = shown.filter(({ found }) => found.length > 0)
  const same = shown.filter(({ found, rule }) => found.includes(rule))
  const missed = shown.filter(({ found }) => found.length === 0).map(({ rule }) => rule)

  progress(`looking through ${clean} …`)
  let microseconds = 0
  let looked = 0
  const timed: SecretScan.SecretScan = {
    ...scan,
    scan: (source) => {
      const start = process.threadCpuUsage()
      const scanned = scan.scan(source)
      const { system, user } = process.threadCpuUsage(start)
      microseconds += user + system
      if (++looked % 5_000 === 0) progress(`${looked} files`)
      return scanned
    }
  }
  const report = await SecretFolder.scan(timed, clean, { pathOf: inPackage }).pipe(
    Effect.provide([NodeFileSystem.layer, NodePath.layer]),
    Effect.runPromise
  )
  if (report.files === 0) {
    throw new Bench.BadInput(`--clean ${clean} holds no text that can be looked at. Give a folder of published code.`)
  }
  const false_ = report.findings.map(({ line, masked, path, rule }) => ({ rule, path, line, masked }))
  const why = (reason: SecretFolder.Skipped["why"]) => report.skipped.filter((one) => one.why === reason).length
  return {
    figures: [
      {
        name: "planted found by any rule",
        value: any.length / planted.length,
        unit: `of ${planted.length}`,
        goal: { op: ">=", value: 0.98 }
      },
      { name: "planted found by the same rule", value: same.length / planted.length, unit: `of ${planted.length}` },
      {
        name: "false hits per 150,000 lines",
        value: (false_.length * 150_000) / Math.max(1, report.lines),
        unit: `of ${report.lines} lines`,
        goal: { op: "<=", value: 1 }
      },
      {
        name: "looked at, by time of one core",
        value: Bench.round(report.bytes / microseconds),
        unit: "MB/s",
        goal: { op: ">=", value: 20 }
      },
      { name: "looked at", value: report.files, unit: "files" },
      { name: "not looked at", value: report.skipped.length, unit: "files" }
    ],
    notes: [
      `${any.length}/${planted.length} planted found by any rule, ${same.length}/${planted.length} by the same rule.`,
      ...(missed.length === 0 ? [] : [`Missed: ${missed.join(", ")}.`]),
      ...false_.map(({ line, masked, path, rule }) => `False: ${rule} ${masked} ${path}:${line ?? "name"}`),
      `Not looked at: ${why("binary")} binary, ${why("allowed-path")} at allowed paths, ${why("link")} links, ${why("not-readable")} not readable, ${why("no-file")} no files.`
    ],
    details: {
      missed,
      hits: false_,
      otherRule: shown.filter(({ found, rule }) => found.length > 0 && !found.includes(rule))
    },
    ...(shown.some(({ tells }) => tells) && { failure: "A finding holds the secret that it is about." })
  }
}
