/** Whether a mount finds something to be put on, where nothing can be made: below folders that are shown read only. */
import { statSync } from "node:fs"
import { SandboxError } from "../Sandbox.ts"

/** What is seen at a place of the room. */
export interface Place {
  readonly source: string
  readonly target: string
  readonly access: "Read" | "Write"
}

/** The first of the places, outer ones first, that can not be. `shown` are those that are in every room, read only. */
export const problem = (places: ReadonlyArray<Place>, shown: ReadonlyArray<string>): SandboxError | undefined => {
  const before: Array<Place> = shown.map((path) => ({ source: path, target: path, access: "Read" }))
  for (const place of places) {
    const around = before.findLast(({ target }) => place.target.startsWith(`${target}/`))
    const why = around && whyNot(place, around)
    if (why !== undefined) {
      return new SandboxError({
        reason: "BadSpec",
        message: `A mount can not be at ${JSON.stringify(place.target)}: ${why}. Give another target.`
      })
    }
    before.push(place)
  }
  return undefined
}

const whyNot = ({ source, target }: Place, around: Place): string | undefined => {
  const there = isFolder(`${around.source}${target.slice(around.target.length)}`)
  if (there === undefined) {
    return around.access === "Write" ? undefined : `${around.target} is shown read only, and has nothing there`
  }
  if (there === isFolder(source)) return undefined
  return there ? "a folder is there, and the source is none" : "a file is there, and the source is a folder"
}

const isFolder = (path: string): boolean | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory()
  } catch {
    return undefined
  }
}
