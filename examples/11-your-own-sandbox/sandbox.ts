/**
 * A sandbox of your own, over a provider that this library has never heard of: the one of `machines.ts`.
 *
 * The provider only has to make machines, find them by a label, run a text and write a file. `Provider` makes a connection of
 * that: commands with input, streamed output, signals and an end for their whole tree. `Remote` makes the sandbox: checkouts,
 * files, phases, and commits that come back to the branch.
 */
import * as Provider from "@millwright/sandbox/Provider"
import * as Remote from "@millwright/sandbox/Remote"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Supports from "@millwright/sandbox/Supports"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/** Where the provider is, and the key that it knows us by. */
export interface Options {
  readonly url: string
  readonly key: Redacted.Redacted<string>
  /** How long one answer may take, in milliseconds. Default: 30,000. */
  readonly patience?: number
}

const Machine = Schema.Struct({ id: Schema.String, folder: Schema.String })
const Ran = Schema.Struct({ code: Schema.Int, stdout: Schema.String, stderr: Schema.String })

/** What the provider says when it says no. `Provider` makes an error of it: 401 is `Unauthorized`, 429 and 500 may be tried again. */
class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The provider's API, as promises: what an SDK is for another provider. */
const clientOf = ({ key, url }: Options) => {
  const ask = async (
    method: string,
    path: string,
    { body, signal }: { body?: string | Uint8Array<ArrayBuffer>; signal: AbortSignal }
  ) => {
    const headers = { authorization: `Bearer ${Redacted.value(key)}` }
    const response = await fetch(`${url}/machines${path}`, {
      method,
      headers,
      signal,
      ...(body !== undefined && { body })
    })
    if (!response.ok) throw new Refused(response.status, await response.text())
    return response.json()
  }
  const ofMachine = (answer: unknown): Provider.Machine => {
    const { folder, id } = Schema.decodeUnknownSync(Machine)(answer)
    return {
      id,
      folder,
      run: async (text, signal) =>
        Schema.decodeUnknownSync(Ran)(await ask("POST", `/${id}/run`, { body: text, signal })),
      write: (path, bytes, signal) =>
        ask("PUT", `/${id}/files?path=${encodeURIComponent(path)}`, { body: new Uint8Array(bytes), signal })
    }
  }
  const all = async (label: string, signal: AbortSignal) =>
    Schema.decodeUnknownSync(Schema.Array(Machine))(await ask("GET", `?label=${encodeURIComponent(label)}`, { signal }))
  return { ask, ofMachine, all }
}

/** The sandbox. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, never, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const { all, ask, ofMachine } = clientOf(options)
      const asking: Provider.Asking = {
        name: "The service of machines",
        patience: options.patience ?? 30_000,
        secrets: [options.key],
        reason: () => undefined
      }
      const provider: Provider.Provider = {
        find: async (key, signal) => (await all(key, signal)).map(({ id }) => id),
        create: async (key, signal) =>
          ofMachine(await ask("POST", "", { body: JSON.stringify({ label: key }), signal })),
        attach: async (id, signal) => ofMachine(await ask("GET", `/${id}`, { signal })),
        // This provider has no sleep: its machines go on, and cost nothing.
        park: async () => undefined,
        remove: (id, signal) => ask("DELETE", `/${id}`, { signal })
      }
      return yield* Remote.make({
        name: "machines",
        supports: {
          ...Supports.none,
          // Its machines are folders of this computer. A provider whose machines are elsewhere says "remote".
          isolation: "none",
          companions: true,
          workspaces: ["Checkout", "Empty"],
          snapshot: true,
          killsTree: true
        },
        connect: ({ key }) => Provider.connect(key, provider, asking),
        discard: (key) => Provider.discard(key, provider, asking)
      })
    })
  )
