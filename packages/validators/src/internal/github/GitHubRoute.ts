/** Routes of a repository: they find it, hide it from whom it is hidden from, and tell its hooks what happened. */
import type * as Schema from "effect/Schema"
import type * as TwinRoute from "../TwinRoute.ts"
import * as TwinService from "../../TwinService.ts"
import * as GitHubAnswer from "./GitHubAnswer.ts"
import * as GitHubShape from "./GitHubShape.ts"
import * as GitHubState from "./GitHubState.ts"

/** A route of the twin. */
export type Route = TwinService.Route<GitHubState.State>

/** Routes that are not of a repository. */
export const on = TwinService.routes<GitHubState.State>()

/** A request about a repository. */
export interface Call<Params, Body> extends TwinService.Call<GitHubState.State, Params, Body> {
  readonly repo: GitHubState.Repository
}

/** Something that hooks of the repository are told, beside the repository and who did it. */
export interface Told {
  readonly name: string
  /** What it says, as the repository is after it. */
  readonly payload: (around: GitHubShape.Around, repo: GitHubState.Repository) => Readonly<Record<string, unknown>>
}

/** What comes of a request about a repository. */
export interface Step {
  readonly answer:
    | TwinService.Answer
    | ((around: GitHubShape.Around, repo: GitHubState.Repository) => TwinService.Answer)
  /** The repository after it. Without it nothing has changed. */
  readonly repo?: GitHubState.Repository
  readonly told?: ReadonlyArray<Told>
}

/** How a route of a repository is answered. */
export interface Options<Params, Body> {
  readonly scope?: string
  readonly body?: Schema.Codec<Body, unknown>
  readonly handle: (call: Call<Params, Body>) => Step
}

/** The path of a route after that of its repository, as in `GET /issues/:number`. */
type Full<Pattern extends string> = Pattern extends `${infer Method} ${infer Path}`
  ? `${Method} /repos/:owner/:repo${Path}`
  : never

/** A route of a repository, by its name and by its id: GitHub's links have the id. */
export const inRepository = <const Pattern extends string, Body = Schema.Json | undefined>(
  pattern: Pattern,
  options: Options<TwinRoute.Params<Full<Pattern>>, Body>
): ReadonlyArray<Route> => {
  type Params = TwinRoute.Params<Full<Pattern>>
  const space = pattern.indexOf(" ")
  const path = pattern.slice(space + 1)
  const full = (start: string) => `${pattern.slice(0, space)} ${start}${path === "/" ? "" : path}`
  const route = (
    prefix: string,
    find: (state: GitHubState.State, params: Readonly<Record<string, string>>) => GitHubState.Repository | undefined
  ): Route =>
    TwinService.routes<GitHubState.State>()<string, Body>(full(prefix), {
      ...(options.scope === undefined ? {} : { scope: options.scope }),
      ...(options.body === undefined ? {} : { body: options.body }),
      handle: (call) => {
        const repo = find(call.state, call.params)
        if (repo === undefined || (repo.isPrivate && !call.caller.scopes.includes("repo"))) {
          return { answer: GitHubAnswer.notFound }
        }
        // The pattern of the route has these names.
        const step = options.handle({ ...call, params: call.params as Params, repo })
        return outcome(step, { ...call, repo })
      }
    })
  return [
    route("/repos/:owner/:repo", (state, { owner = "", repo = "" }) =>
      state.repositories.get(GitHubState.keyOf({ owner, name: repo }))
    ),
    route("/repositories/:repository_id", (state, { repository_id }) =>
      state.repositories.values.find(({ id }) => String(id) === repository_id)
    )
  ]
}

const outcome = (
  { answer, repo = undefined, told = [] }: Step,
  call: Pick<Call<unknown, unknown>, "caller" | "now" | "repo" | "state" | "url">
): TwinService.Outcome<GitHubState.State> => {
  const after = repo === undefined ? call.repo : { ...repo, updatedAt: call.now }
  const state =
    repo === undefined
      ? call.state
      : { ...call.state, repositories: call.state.repositories.set(GitHubState.keyOf(after), after) }
  const around: GitHubShape.Around = { state, url: call.url }
  const answered = typeof answer === "function" ? answer(around, after) : answer
  if (repo === undefined) return { answer: answered }
  const of = GitHubState.keyOf(after)
  const hears = (name: string) => after.hooks.values.some((hook) => wants(hook, name))
  return {
    answer: answered,
    state,
    events: told
      .filter(({ name }) => name === "ping" || hears(name))
      .map(({ name, payload }) => ({
        name,
        of,
        payload: {
          ...payload(around, after),
          repository: GitHubShape.repository(around, after),
          sender: GitHubShape.user(around, call.caller.name)
        }
      }))
  }
}

/** Whether a hook is told of an event. */
export const wants = ({ events, isActive }: GitHubState.Hook, name: string): boolean =>
  isActive && (events.includes(name) || events.includes("*"))
