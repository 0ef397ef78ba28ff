/** Compares answers with the shapes that an API description gives them: which fields there are, and of what type. */
import type * as TwinDrift from "@millwright/validators/TwinDrift"

/** What a value has to be. Nothing said: anything. */
export interface Shape {
  readonly $ref?: string
  readonly anyOf?: ReadonlyArray<Shape>
  readonly type?: string | ReadonlyArray<string>
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: ReadonlyArray<string>
  readonly items?: Shape
  readonly enum?: ReadonlyArray<unknown>
}

/** The shapes of answers: by route, then by status. `null`: there is no body. */
export interface Shapes {
  readonly routes: Readonly<Record<string, Readonly<Record<string, Shape | null>>>>
  readonly components: Readonly<Record<string, Shape>>
}

/** An answer to a route. */
export interface Answered {
  readonly route: string
  readonly status: number
  readonly body: unknown
}

type Counted = TwinDrift.Difference & { readonly agrees: boolean }

/** What agrees and what does not. A route or a status that is not described is not counted; `silent` names them. */
export const check = (
  shapes: Shapes,
  answers: ReadonlyArray<Answered>
): { readonly counted: ReadonlyArray<Counted>; readonly silent: ReadonlyArray<string> } => {
  const silent = new Set<string>()
  const counted = answers.flatMap(({ body, route, status }) => {
    const shape = shapes.routes[route]?.[String(status)]
    if (shape === undefined) {
      silent.add(`${route} ${status}`)
      return []
    }
    return shape === null ? [] : walk(body, shape, { endpoint: route, at: "/body", components: shapes.components })
  })
  return { counted, silent: [...silent] }
}

interface Place {
  readonly endpoint: string
  readonly at: string
  readonly components: Shapes["components"]
}

const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value
}

const walk = (value: unknown, given: Shape, place: Place): ReadonlyArray<Counted> => {
  const shape = given.$ref === undefined ? given : (place.components[given.$ref] ?? {})
  const said = (kind: TwinDrift.Kind, real: string, agrees: boolean): Counted => ({
    endpoint: place.endpoint,
    kind,
    at: place.at,
    real,
    twin: value === undefined ? null : JSON.stringify(value).slice(0, 80),
    agrees
  })
  if (shape.anyOf !== undefined) {
    const ways = shape.anyOf.map((one) => walk(value, one, place))
    const misses = (way: ReadonlyArray<Counted>) => way.filter(({ agrees }) => !agrees).length
    return ways.reduce((best, way) => (misses(way) < misses(best) ? way : best), ways[0] ?? [])
  }
  const types = typeof shape.type === "string" ? [shape.type] : shape.type
  const type = typeOf(value)
  if (types !== undefined && !types.includes(type) && !(type === "integer" && types.includes("number"))) {
    return [said("type", types.join(" or "), false)]
  }
  if (Array.isArray(value)) {
    const { items } = shape
    if (items === undefined || value.length === 0) return [said("value", "array", true)]
    return value.flatMap((one, index) => walk(one, items, { ...place, at: `${place.at}/${index}` }))
  }
  const { properties } = shape
  if (typeof value !== "object" || value === null || properties === undefined) {
    const isIn = shape.enum === undefined || value === null || shape.enum.includes(value)
    return [said("value", shape.enum === undefined ? (types?.join(" or ") ?? "anything") : "one of its values", isIn)]
  }
  const has = new Map(Object.entries(value))
  const missing = (shape.required ?? []).filter((key) => !has.has(key))
  return [
    ...missing.map((key): Counted => ({ ...said("missing", key, false), at: `${place.at}/${key}`, twin: null })),
    ...[...has].flatMap(([key, inner]) => {
      const at = `${place.at}/${key}`
      const known = properties[key]
      return known === undefined ? [{ ...said("extra", "nothing", false), at }] : walk(inner, known, { ...place, at })
    })
  ]
}

const share = (counted: ReadonlyArray<Counted>) => {
  const agreeing = counted.filter(({ agrees }) => agrees).length
  return { compared: counted.length, agreeing, fidelity: counted.length === 0 ? null : agreeing / counted.length }
}

/** What was counted, as the report of a drift check. */
export const report = (
  counted: ReadonlyArray<Counted>,
  about: { readonly service: string; readonly source: string }
): TwinDrift.Report => ({
  ...about,
  recordedOn: null,
  ...share(counted),
  endpoints: [...new Set(counted.map(({ endpoint }) => endpoint))].map((endpoint) => ({
    endpoint,
    ...share(counted.filter((each) => each.endpoint === endpoint))
  })),
  differences: counted.flatMap(({ agrees, ...difference }) => (agrees ? [] : [difference]))
})
