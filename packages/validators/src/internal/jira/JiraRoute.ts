/** Routes of Jira, those of an issue, and what hooks are told. */
import type * as Schema from "effect/Schema"
import { createHmac } from "node:crypto"
import type * as TwinRoute from "../TwinRoute.ts"
import * as TwinService from "../../TwinService.ts"
import * as JiraAnswer from "./JiraAnswer.ts"
import * as JiraShape from "./JiraShape.ts"
import * as JiraState from "./JiraState.ts"

/** A route of the twin. */
export type Route = TwinService.Route<JiraState.State>

/** What comes of a request. */
export type Outcome = TwinService.Outcome<JiraState.State>

/** Routes that are not of an issue. */
export const on = TwinService.routes<JiraState.State>()

/** What a token needs to read, and to write. */
export const scopes = { read: "read:jira-work", write: "write:jira-work" }

/** A request about an issue. */
export interface Call<Params, Body> extends TwinService.Call<JiraState.State, Params, Body> {
  readonly issue: JiraState.Issue
}

type Full<Pattern extends string> = Pattern extends `${infer Method} ${infer Path}`
  ? `${Method} /rest/api/3/issue/:issue${Path}`
  : never

/** A route of an issue, by its id or key: 404 where there is none. */
export const ofIssue = <const Pattern extends string, Body = Schema.Json | undefined>(
  pattern: Pattern,
  options: {
    readonly body?: Schema.Codec<Body, unknown>
    readonly handle: (call: Call<TwinRoute.Params<Full<Pattern>>, Body>) => Outcome
  }
): Route => {
  const space = pattern.indexOf(" ")
  const path = pattern.slice(space + 1)
  const full = `${pattern.slice(0, space)} /rest/api/3/issue/:issue${path === "/" ? "" : path}`
  return on<string, Body>(full, {
    scope: pattern.startsWith("GET ") ? scopes.read : scopes.write,
    ...(options.body === undefined ? {} : { body: options.body }),
    handle: (call) => {
      // The pattern has what its type says.
      const params = call.params as TwinRoute.Params<Full<Pattern>> & { readonly issue: string }
      const issue = JiraState.issueIn(call.state, params.issue)
      return issue === undefined ? { answer: JiraAnswer.noIssue } : options.handle({ ...call, params, issue })
    }
  })
}

/** Who asks. */
export const asks = (call: Pick<TwinService.Call<JiraState.State>, "state" | "caller">): JiraState.User =>
  JiraState.userOf(call.state, call.caller.name) ?? { accountId: "", email: "", displayName: "" }

interface Asking extends Pick<TwinService.Call<JiraState.State>, "state" | "caller" | "now" | "url"> {}

/** What hooks are told of an issue as it is after the request. */
export const told = (
  call: Asking,
  issue: JiraState.Issue,
  what: { readonly name: string; readonly type?: string } & Readonly<Record<string, unknown>>
): TwinService.Event => {
  const { name, type, ...more } = what
  return {
    name,
    payload: {
      timestamp: call.now,
      webhookEvent: name,
      ...(type === undefined ? {} : { issue_event_type_name: type }),
      user: JiraShape.user(call, asks(call).accountId),
      issue: JiraShape.issue(call, issue, ["*navigable"]),
      ...more
    }
  }
}

/** How Jira sends webhooks. It tries five times more, some minutes apart. */
export const webhooks: TwinService.Webhooks<JiraState.State> = {
  secrets: ({ webhooks }) => webhooks.map(({ secret }) => secret),
  hooks: ({ webhooks }, event) =>
    webhooks.flatMap(({ events, secret, url }, index) =>
      events.includes(event.name) ? [{ id: String(index), url, secret }] : []
    ),
  sign: ({ body, hook, number }) => {
    const id = `twin-${String(number).padStart(8, "0")}`
    return {
      id,
      headers: {
        "content-type": "application/json; charset=UTF-8",
        "user-agent": "Atlassian Webhook HTTP Client (twin)",
        "x-atlassian-webhook-identifier": id,
        ...(hook.secret === ""
          ? {}
          : { "x-hub-signature": `sha256=${createHmac("sha256", hook.secret).update(body).digest("hex")}` })
      }
    }
  },
  retries: [300_000, 600_000, 600_000, 900_000, 900_000]
}
