/** Real notes of git-ai: put into a repository as git has them, read from there, and compared with what git-ai counts. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as AuthorshipNote from "@millwright/governance/AuthorshipNote"
import * as Notes from "@millwright/governance/Notes"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as Bench from "../Bench.ts"

const Row = Schema.Struct({
  commit: Schema.String.check(Schema.isPattern(/^[0-9a-f]{40}$/)),
  note: Schema.String,
  ai_lines: Schema.Natural,
  human_lines: Schema.Natural
})

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Row))

/** Reads the file. Throws `BadInput` at the first line that is no note. */
export const load = (path: string): ReadonlyArray<typeof Row.Type> => {
  const bytes = readFileSync(path)
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8")
  const rows = text.split("\n").flatMap((line, at) => {
    if (line.trim() === "") return []
    const row = Option.getOrUndefined(decode(line))
    if (row !== undefined) return [row]
    throw new Bench.BadInput(
      `${path}:${at + 1} is no note. Give an object with commit, note, ai_lines and human_lines on each line.`
    )
  })
  if (rows.length === 0) throw new Bench.BadInput(`${path} holds no note.`)
  return rows
}

/** How many notes came back byte by byte, and of how many the counts are those of git-ai. */
export interface Outcome {
  readonly notes: number
  readonly read: number
  readonly equal: number
  readonly otherwise: ReadonlyArray<string>
}

/** Reads all of them. */
export const run = async (path: string): Promise<Outcome> => {
  const rows = new Map(load(path).map((row) => [row.commit, row]))
  const dir = mkdtempSync(join(tmpdir(), "millwright-real-notes-"))
  try {
    const git = (args: ReadonlyArray<string>, input: string | Buffer = "") =>
      execFileSync("git", ["-C", dir, ...args], { input })
    git(["init", "-q", "."])
    const entries = [...rows].flatMap(([commit, { note }]) => {
      const bytes = Buffer.from(note)
      const path = commit.replace(/^(..)/, "$1/")
      return [Buffer.from(`M 100644 inline ${path}\ndata ${bytes.length}\n`), bytes, Buffer.from("\n")]
    })
    const head = Buffer.from(`commit ${AuthorshipNote.ref}\ncommitter bench <bench> 0 +0000\ndata 0\n`)
    git(["fast-import", "--quiet"], Buffer.concat([head, ...entries]))
    const found = await Effect.flatMap(Notes.list(dir, AuthorshipNote.ref), (listed) =>
      Notes.readAll(dir, listed)
    ).pipe(Effect.provide(NodeServices.layer), Effect.runPromise)
    const read = found.filter(({ bytes, commit }) => Buffer.from(rows.get(commit)?.note ?? "").equals(bytes))
    const otherwise = read.filter(({ bytes, commit }) => {
      const { agent, human } = AuthorshipNote.claimed(AuthorshipNote.read(bytes).note)
      const row = rows.get(commit)
      return agent !== row?.ai_lines || human !== row.human_lines
    })
    return {
      notes: rows.size,
      read: read.length,
      equal: read.length - otherwise.length,
      otherwise: otherwise.map(({ commit }) => commit)
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
