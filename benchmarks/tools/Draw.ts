/** Tools that are **drawn** from a catalogue: whole servers, in an order that a number decides; with what models look for in them. */
import * as Digest from "@millwright/core/Digest"
import type * as Catalog from "./Catalog.ts"
import type { Need } from "./PlayedSession.ts"

const shuffled = <A>(all: ReadonlyArray<A>, seed: number, key: (one: A) => string): ReadonlyArray<A> =>
  all
    .map((one) => ({ one, place: Digest.of(`${seed} ${key(one)}`) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ one }) => one)

/** So many tools. Where the catalogue has not as many, its servers come again under other names. */
export const tools = (
  catalog: ReadonlyArray<Catalog.Tool>,
  count: number,
  seed: number
): ReadonlyArray<Catalog.Tool> => {
  const drawn = shuffled([...Map.groupBy(catalog, ({ server }) => server)], seed, ([server]) => server).flatMap(
    ([, its]) => its
  )
  const found: Array<Catalog.Tool> = []
  for (let round = 1; found.length < count && drawn.length > 0; round++) {
    found.push(...drawn.map((tool) => (round === 1 ? tool : { ...tool, server: `${tool.server} ${round}` })))
  }
  return found.slice(0, count)
}

/** So many needs of different tools: with the words of queries, and where there are too few, with what tools say of themselves. */
export const needs = (
  tools: ReadonlyArray<{ readonly id: string; readonly line: string }>,
  {
    count,
    queries,
    seed
  }: { readonly count: number; readonly queries: ReadonlyArray<Catalog.Query>; readonly seed: number }
): ReadonlyArray<Need> => {
  const here = new Set(tools.map(({ id }) => id))
  const asked = queries
    // A whole task is no search: the model makes searches out of it.
    .filter(({ needs, source }) => needs.length === 1 && source !== "livemcp-task")
    .map(({ needs: [its = []], query }) => ({ query, tools: its.filter((id) => here.has(id)) }))
    .filter(({ tools }) => tools.length > 0)
  const said = tools.map(({ id, line }) => ({ query: line, tools: [id] }))
  const found: Array<Need> = []
  const taken = new Set<string>()
  const byQuery = (need: Need) => `${need.query} ${need.tools.join()}`
  for (const need of [...shuffled(asked, seed, byQuery), ...shuffled(said, seed, byQuery)]) {
    if (found.length === count || need.tools.some((id) => taken.has(id))) continue
    for (const id of need.tools) taken.add(id)
    found.push(need)
  }
  return found
}
