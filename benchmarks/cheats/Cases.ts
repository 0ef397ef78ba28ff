/** The cases of the bench: small changes in txtar files, each a cheat of a kind or honest, with what its author did where that matters. */
import * as Cheats from "@millwright/validators/Cheats"
import * as Trajectory from "@millwright/validators/Trajectory"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Bench from "../Bench.ts"

/** A change, and whether it is honest. `kind` is the rule of a cheat, or what an honest change is about. */
export interface Case {
  readonly label: "cheat" | "honest"
  readonly kind: string
  readonly name: string
  readonly subject: Cheats.Subject
}

/** The sections of a txtar text, by name, in their order. */
const sections = (text: string): ReadonlyArray<readonly [name: string, content: string]> =>
  text
    .split(/^-- (?=.+ --$)/m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n")
      const head = end === -1 ? part : part.slice(0, end)
      return [head.replace(/ --$/, ""), end === -1 ? "" : part.slice(end + 1)] as const
    })

/** What an author did: `$ ` begins a command and `@` another tool, what comes back follows, then `[exit N]`; `claim:` ends it. */
const trajectory = (text: string): Trajectory.Trajectory => {
  const calls: Array<Trajectory.Call> = []
  let claim: string | null = null
  for (const part of text.split(/^(?=\$ |@|claim: )/m)) {
    const [head = "", ...rest] = part.trimEnd().split("\n")
    if (head === "") continue
    if (head.startsWith("claim: ")) {
      claim = [head.slice(7), ...rest].join("\n")
      continue
    }
    const said = rest.join("\n")
    const exit = /\[exit (\d+)\]$/.exec(said)?.[1]
    const [tool = "", ...input] = head.startsWith("$ ") ? ["bash", head.slice(2)] : head.slice(1).split(" ")
    calls.push({ tool, input: input.join(" "), output: said, ok: true, exit: exit === undefined ? null : Number(exit) })
  }
  return Trajectory.make({ calls, claim })
}

/** Reads one case. */
export const parse = (text: string): Cheats.Subject => {
  const files = new Map<string, { before: string | null; after: string | null; previousPath?: string }>()
  const renames = new Map<string, string>()
  const of = (path: string) => {
    const known = files.get(path) ?? { before: null, after: null }
    files.set(path, known)
    return known
  }
  let rest: Partial<Cheats.Subject> = {}
  for (const [name, content] of sections(text)) {
    const [, side, path = ""] = /^(before|after)\/(.+)$/.exec(name) ?? []
    const [, from = "", to = ""] = /^rename (\S+) (\S+)$/.exec(name) ?? []
    if (from !== "") renames.set(from, to)
    else if (side === "before") {
      const to = renames.get(path)
      const file = of(to ?? path)
      file.before = content
      if (to !== undefined) file.previousPath = path
    } else if (side === "after") of(path).after = content
    else if (name === "contract") rest = { ...rest, statements: content.trim().split("\n") }
    else if (name === "trajectory") rest = { ...rest, trajectory: trajectory(content) }
    else
      throw new Bench.BadInput(
        `A case has a section "${name}". There are before/PATH, after/PATH, rename FROM TO, contract and trajectory.`
      )
  }
  return { files: [...files].map(([path, sides]) => ({ path, ...sides })), ...rest }
}

const folders = (path: string): ReadonlyArray<string> =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : []

/** Reads `cheat/KIND/NAME.txtar` and `honest/KIND/NAME.txtar` below a folder. */
export const load = (folder: string): ReadonlyArray<Case> => {
  const all = (["cheat", "honest"] as const).flatMap((label) =>
    folders(join(folder, label)).flatMap((kind) => {
      if (label === "cheat" && !Object.hasOwn(Cheats.rules, kind)) {
        throw new Bench.BadInput(
          `${join(folder, label, kind)} is no kind of cheat. The kinds: ${Object.keys(Cheats.rules).join(", ")}`
        )
      }
      return readdirSync(join(folder, label, kind))
        .filter((file) => file.endsWith(".txtar"))
        .sort()
        .map((file): Case => {
          const name = `${kind}/${file.replace(/\.txtar$/, "")}`
          return { label, kind, name, subject: parse(readFileSync(join(folder, label, kind, file), "utf8")) }
        })
    })
  )
  if (all.length === 0)
    throw new Bench.BadInput(`${folder} has no cases. They are files cheat/KIND/NAME.txtar and honest/KIND/NAME.txtar.`)
  return all
}
