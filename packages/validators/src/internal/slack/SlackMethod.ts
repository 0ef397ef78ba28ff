/** Methods of Slack's Web API: each is a route that takes its arguments from a form, from JSON or from the query. */
import type * as Schema from "effect/Schema"
import * as TwinService from "../../TwinService.ts"
import * as JsonDepth from "../JsonDepth.ts"
import * as SlackAnswer from "./SlackAnswer.ts"
import * as SlackState from "./SlackState.ts"

/** A route of the twin. */
export type Route = TwinService.Route<SlackState.State>

const on = TwinService.routes<SlackState.State>()

/** What a method was called with. */
export interface Arguments {
  /** As a text; `undefined` where it is not given or empty. */
  readonly text: (name: string) => string | undefined
  readonly flag: (name: string) => boolean
  /** As JSON, which a form has as a text; `undefined` where it is not given, `null` where it is none. */
  readonly json: (name: string) => Schema.Json | undefined
}

/** A call of a method. */
export interface Call extends Omit<TwinService.Call<SlackState.State>, "params"> {
  readonly given: Arguments
  /** Who calls. */
  readonly user: SlackState.User
}

/** What can be said about a method. */
export interface Options {
  readonly scope?: string
  /** The arguments that the twin takes. Another one is 501 by name. */
  readonly takes: ReadonlyArray<string>
  readonly handle: (call: Call) => TwinService.Outcome<SlackState.State>
}

/** Arguments that make no difference to what the twin answers. */
const idle = new Set(["unfurl_links", "unfurl_media", "mrkdwn", "include_locale", "pretty"])

const form = "application/x-www-form-urlencoded"

/** A method, by POST and by GET. */
export const method = (name: string, { handle, scope, takes }: Options): ReadonlyArray<Route> => {
  const options = {
    ...(scope === undefined ? {} : { scope }),
    text: [form],
    handle: (call: TwinService.Call<SlackState.State>): TwinService.Outcome<SlackState.State> => {
      const all = argumentsOf(call)
      if (all === undefined) return { answer: SlackAnswer.error("json_not_object") }
      const other = Object.keys(all).find((key) => !takes.includes(key) && !idle.has(key))
      if (other !== undefined) return { answer: SlackAnswer.notImplemented(`argument "${other}" of ${name}`) }
      const user = SlackState.userNamed(call.state, call.caller.name)
      return user === undefined
        ? { answer: SlackAnswer.error("user_not_found") }
        : handle({ ...call, given: reader(all), user })
    }
  }
  return [on(`POST /api/${name}`, options), on(`GET /api/${name}`, options)]
}

type Given = Readonly<Record<string, Schema.Json>>

const argumentsOf = ({ body, query }: TwinService.Call<SlackState.State>): Given | undefined => {
  const asked = Object.fromEntries(query)
  if (body === undefined) return asked
  if (typeof body === "string") return { ...asked, ...Object.fromEntries(new URLSearchParams(body)) }
  // What is neither a list nor a plain value is an object of JSON.
  return typeof body !== "object" || body === null || Array.isArray(body) ? undefined : { ...asked, ...(body as Given) }
}

const parsed = (text: string): Schema.Json => {
  try {
    const json: Schema.Json = JSON.parse(text)
    return JsonDepth.exceeds(json, JsonDepth.most) ? null : json
  } catch {
    return null
  }
}

const reader = (all: Given): Arguments => {
  const value = (name: string) => (Object.hasOwn(all, name) ? all[name] : undefined)
  return {
    text: (name) => {
      const given = value(name)
      return typeof given === "string" || typeof given === "number" ? String(given) || undefined : undefined
    },
    flag: (name) => ["true", "1"].includes(String(value(name))),
    json: (name) => {
      const given = value(name)
      return typeof given === "string" ? parsed(given) : given
    }
  }
}
