/** Pages of lists, and which things of a list are asked for. */
import * as LinearError from "./LinearError.ts"

/** What every list can be asked with. */
export interface Asked {
  readonly first?: number | null
  readonly after?: string | null
  readonly last?: number | null
  readonly before?: string | null
  readonly orderBy?: "createdAt" | "updatedAt" | null
}

interface Thing {
  readonly id: string
  readonly createdAt: number
  readonly updatedAt: number
}

const sizeOf = (name: string, given: number | null | undefined): number => {
  if (given === undefined || given === null) return 50
  if (given < 1 || given > 250) {
    throw LinearError.input(`Argument Validation Error: ${name} must be from 1 to 250, and is ${given}`)
  }
  return given
}

const placeOf = <A extends Thing>(all: ReadonlyArray<A>, name: string, cursor: string): number => {
  const place = all.findIndex(({ id }) => id === cursor)
  if (place < 0) throw LinearError.input(`Argument Validation Error: ${name} is no cursor of this list`)
  return place
}

/** One page, newest first, shown as a connection. */
export const of = <A extends Thing, B>(all: ReadonlyArray<A>, asked: Asked, show: (thing: A) => B) => {
  const { after, before, first, last } = asked
  const key = asked.orderBy ?? "createdAt"
  // What came later at one moment stands before what came earlier.
  const sorted = all.toReversed().sort((a, b) => b[key] - a[key])
  const from = typeof after === "string" ? placeOf(sorted, "after", after) + 1 : 0
  const to = typeof before === "string" ? placeOf(sorted, "before", before) : sorted.length
  const isLast = typeof last === "number"
  const size = isLast ? sizeOf("last", last) : sizeOf("first", first)
  const start = isLast ? Math.max(from, to - size) : from
  const end = isLast ? to : Math.min(to, from + size)
  const nodes = sorted.slice(start, end)
  return {
    nodes: nodes.map(show),
    edges: nodes.map((each) => ({ cursor: each.id, node: show(each) })),
    pageInfo: {
      hasNextPage: end < sorted.length,
      hasPreviousPage: start > 0,
      startCursor: nodes[0]?.id ?? null,
      endCursor: nodes.at(-1)?.id ?? null
    }
  }
}
