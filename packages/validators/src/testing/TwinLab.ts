/** What the suite of a twin works with: the service, what to ask of it, and a receiver of webhooks. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Twin from "../Twin.ts"
import type * as TwinService from "../TwinService.ts"

/** A request. A `body` that is no text is sent as JSON. */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A webhook, as its receiver got it. */
export interface Received {
  readonly headers: Readonly<Record<string, string>>
  /** The exact bytes as UTF-8: a signature is over them. */
  readonly body: string
}

/** What a service gives to be tested. */
export interface Subject<Seed> {
  readonly service: TwinService.Service<Seed>
  readonly seed: Seed
  /** Another one, with the same tokens. */
  readonly other: Seed
  /** A token that may do everything below, and one that lacks the scope for `write`. */
  readonly token: string
  readonly weakToken: string
  /** How a token is sent. Default: as a bearer. */
  readonly authorize?: (token: string) => Readonly<Record<string, string>>
  /** Reads something. */
  readonly read: Ask
  /** The `n`th of requests that each change something, and go well in any order. */
  readonly write: (n: number) => Ask
  /** Something that the service does and the twin does not. */
  readonly missing: Ask
  /** Changes one thing to this text, and how the text is read again. */
  readonly edit: {
    readonly write: (text: string) => Ask
    readonly read: Ask
    readonly text: (body: string) => string
  }
  /** How the service refuses, where it is not by status 401, 403, 400, 415 and 413. */
  readonly refuses?: {
    readonly unauthorized?: (reply: Reply) => boolean
    readonly forbidden?: (reply: Reply) => boolean
    readonly invalidJson?: (reply: Reply) => boolean
    readonly contentType?: (reply: Reply) => boolean
    readonly tooLarge?: (reply: Reply) => boolean
  }
  /** For a service with webhooks. */
  readonly webhooks?: {
    /** The seed with a hook to this address, which is told of each `write`. */
    readonly seed: (url: string, secret: string) => Seed
    /** Whether a webhook is signed with the secret. Written as a receiver would, not with the twin's code. */
    readonly isSigned: (received: Received, secret: string) => boolean
  }
}

/** A twin in a test. */
export interface Started {
  readonly twin: Twin.Twin
  /** Asks with a token, by default with the one that may do everything. `null`: without one. */
  readonly ask: (ask: Ask, token?: string | null) => Effect.Effect<Reply, Twin.TwinError>
  readonly sow: (which: "same" | "other" | "none") => Effect.Effect<void, Twin.TwinError>
}

/** What the suite is about. */
export class Fixture extends Context.Service<
  Fixture,
  Omit<Subject<never>, "service" | "seed" | "other" | "webhooks"> & {
    readonly maxBody: number
    readonly start: (options?: Twin.Options) => Effect.Effect<Started, Twin.TwinError, Scope.Scope>
    readonly webhooks:
      | {
          readonly isSigned: (received: Received, secret: string) => boolean
          /** Starts with a hook to this address. */
          readonly start: (url: string, options?: Twin.Options) => Effect.Effect<Started, Twin.TwinError, Scope.Scope>
        }
      | undefined
  }
>()("@millwright/validators/testing/TwinLab/Fixture") {}

/** The secret of the hooks of the suite. */
export const secret = "a secret of the suite"

/** The fixture of a service. */
export const layer = <Seed>(subject: Subject<Seed>): Layer.Layer<Fixture> => {
  const { other, seed, service, webhooks, ...rest } = subject
  const authorize = subject.authorize ?? ((token: string) => ({ authorization: `Bearer ${token}` }))
  const start = Effect.fnUntraced(function* (from: Seed, options?: Twin.Options) {
    const twin = yield* service.start(from, options)
    const started: Started = {
      // What a suite does not call with a seed of its own needs none.
      twin,
      ask: (ask, token = subject.token) =>
        send(twin.url, { ...ask, headers: { ...(token === null ? {} : authorize(token)), ...ask.headers } }),
      // A seed that is none is what the last one is there for.
      sow: (which) => twin.seed(which === "same" ? from : which === "other" ? other : (null as Seed))
    }
    return started
  })
  return Layer.succeed(
    Fixture,
    Fixture.of({
      ...rest,
      maxBody: service.maxBody,
      start: (options) => start(seed, options),
      webhooks:
        webhooks === undefined
          ? undefined
          : { isSigned: webhooks.isSigned, start: (url, options) => start(webhooks.seed(url, secret), options) }
    })
  )
}

/** Sends a request, and gives up the connection when it is interrupted. What the connection fails with is `NotListening`. */
export const send = (url: string, { body, headers = {}, method, path }: Ask): Effect.Effect<Reply, Twin.TwinError> =>
  Effect.callback<Reply, Twin.TwinError>((resume) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    const lost = (cause: Error) =>
      resume(Effect.fail(new Twin.TwinError({ reason: "NotListening", message: `No answer: ${cause.message}`, cause })))
    const type = text === undefined ? {} : { "content-type": "application/json" }
    const request = Http.request(`${url}${path}`, { method, headers: { ...type, ...headers }, agent }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.once("error", lost)
      response.once("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
            body: Buffer.concat(chunks).toString("utf8")
          })
        )
      )
    })
    request.once("error", lost)
    request.end(text)
    return Effect.sync(() => request.destroy())
  })

// Connections are kept and used again; a twin that stops closes them.
const agent = new Http.Agent({ keepAlive: true })

/** Gets webhooks. */
export interface Receiver {
  readonly url: string
  /** Ends with the first so many, in the order in which they came. */
  readonly first: (count: number) => Effect.Effect<ReadonlyArray<Received>>
  /** What came so far. */
  readonly all: Effect.Effect<ReadonlyArray<Received>>
  /** Answers the next so many with a failure. */
  readonly fail: (count: number) => Effect.Effect<void>
}

/** Starts a receiver of webhooks on loopback. */
export const receiver: Effect.Effect<Receiver, never, Scope.Scope> = Effect.gen(function* () {
  const all: Array<Received> = []
  const waiting: Array<{ readonly count: number; readonly done: Deferred.Deferred<void> }> = []
  let failing = 0
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const made = Http.createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.once("end", () => {
          const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)])
          )
          all.push({ headers, body: Buffer.concat(chunks).toString("utf8") })
          response.writeHead(failing > 0 ? 500 : 204).end()
          failing = Math.max(0, failing - 1)
          for (const { count, done } of waiting) if (all.length >= count) Deferred.doneUnsafe(done, Effect.void)
        })
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) =>
      Effect.callback<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      })
  )
  const address = server.address()
  return {
    url: `http://127.0.0.1:${Predicate.isObject(address) ? address.port : 0}/hook`,
    first: Effect.fnUntraced(function* (count) {
      const done = yield* Deferred.make<void>()
      if (all.length >= count) return all.slice(0, count)
      waiting.push({ count, done })
      yield* Deferred.await(done)
      return all.slice(0, count)
    }),
    all: Effect.sync(() => [...all]),
    fail: (count) => Effect.sync(() => void (failing = count))
  }
})
