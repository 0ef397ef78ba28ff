/** What `git blame --porcelain` prints, line by line. */
import * as GitPath from "./GitPath.ts"

/** One line of a file: the commit that left it as it is, and where it stood there. */
export interface BlamedLine {
  readonly commit: string
  readonly path: string
  readonly line: number
}

/** The lines of a file, in order; `undefined` where it has a NUL, so that it has no lines that anybody wrote. */
export const parse = (bytes: Uint8Array): ReadonlyArray<BlamedLine> | undefined => {
  if (bytes.includes(0)) return undefined
  const paths = new Map<string, string>()
  const found: Array<{ readonly commit: string; readonly line: number; readonly path: string }> = []
  let head = { commit: "", line: 0 }
  // latin1, so that no byte of a text can be taken for the end of a line.
  for (const line of Buffer.from(bytes).toString("latin1").split("\n")) {
    if (line.startsWith("\t")) {
      found.push({ ...head, path: paths.get(head.commit) ?? "" })
      continue
    }
    const [, commit, at] = /^([0-9a-f]{40,64}) (\d+) \d+/.exec(line) ?? []
    if (commit !== undefined) head = { commit, line: Number(at) }
    else if (line.startsWith("filename ")) paths.set(head.commit, pathOf(line.slice("filename ".length)))
  }
  return found
}

const pathOf = (told: string): string => {
  const path = Buffer.from(told, "latin1").toString("utf8")
  const inner = /^"(.*)"$/.exec(path)?.[1]
  return inner === undefined ? path : GitPath.unquote(inner)
}
