/** Which new commit became of which old one, from the marks of both. Pure: what has to be asked of git is asked before. */
import type * as CommitMark from "./CommitMark.ts"

/** How it was told, from the surest. */
export type How = "patch" | "tree" | "squash" | "authored" | "lines"

/** What an old commit became. */
export interface Became {
  readonly from: string
  readonly to: string
  readonly how: How
}

/** Old commits that are next to each other, of which no patch is among the new ones; `after` is the commit before them. */
export interface Run {
  readonly after: string
  readonly commits: ReadonlyArray<string>
}

/** What is the same patch, or has the tree up to which old commits were put together. `base` is where the old ones begin. */
export const sure = (
  old: ReadonlyArray<CommitMark.Mark>,
  made: ReadonlyArray<CommitMark.Mark>
): ReadonlyArray<Became> => {
  const byPatch = new Map(made.flatMap(({ id, patch }) => (patch === undefined ? [] : [[patch, id] as const])))
  const byTree = new Map(made.map(({ id, tree }) => [tree, id] as const))
  const same = old.map(({ id, patch }): Became | undefined => {
    const to = patch === undefined ? undefined : byPatch.get(patch)
    return to === undefined ? undefined : { from: id, to, how: "patch" }
  })
  const found: Array<Became> = []
  let open: Array<string> = []
  for (const [index, { id, tree }] of old.entries()) {
    const became = same[index]
    const to = byTree.get(tree)
    if (became !== undefined) {
      found.push(became)
      open = []
    } else open.push(id)
    if (to !== undefined) {
      found.push(...open.map((from): Became => ({ from, to, how: "tree" })))
      open = []
    }
  }
  return found
}

/** What is left, as runs. */
export const runs = (
  base: string,
  old: ReadonlyArray<CommitMark.Mark>,
  found: ReadonlyArray<Became>
): ReadonlyArray<Run> => {
  const known = new Set(found.map(({ from }) => from))
  const left: Array<{ readonly after: string; readonly commits: Array<string> }> = []
  let before = base
  let isOpen = false
  for (const { id } of old) {
    const last = left.at(-1)
    if (known.has(id)) isOpen = false
    else if (isOpen && last !== undefined) last.commits.push(id)
    else {
      left.push({ after: before, commits: [id] })
      isOpen = true
    }
    before = id
  }
  return left
}

/** What has the same author, time and subject, and is no other commit's already. */
export const authored = (
  old: ReadonlyArray<CommitMark.Mark>,
  made: ReadonlyArray<CommitMark.Mark>
): ReadonlyArray<Became> => {
  const by = new Map(made.map((mark) => [mark.authored, mark.id] as const))
  return old.flatMap((mark) => {
    const to = by.get(mark.authored)
    return to === undefined ? [] : [{ from: mark.id, to, how: "authored" as const }]
  })
}

/** The new commit that has most of an old one's lines, if it is half of them at least. */
export const byLines = (
  from: string,
  old: ReadonlySet<string>,
  made: ReadonlyArray<{ readonly id: string; readonly lines: ReadonlySet<string> }>
): Became | undefined => {
  const shares = made.map(({ id, lines }) => ({
    id,
    share: [...old].filter((line) => lines.has(line)).length / old.size
  }))
  const best = shares.reduce((a, b) => (b.share > a.share ? b : a), { id: "", share: 0 })
  return best.share >= 0.5 ? { from, to: best.id, how: "lines" } : undefined
}
