/** Starts a double of a provider as a process of its own, and talks to it beside the SDK. */
import { afterAll } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Fault } from "./Machine.ts"

/** A machine, as the double tells it. */
export interface Told {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly settings: Readonly<Record<string, unknown>>
  readonly state: string
}

/** A double that runs until the tests of the file are over. */
export interface Double {
  readonly url: string
  /** Sets the faults that the next requests run into. */
  readonly faults: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  readonly machines: Effect.Effect<ReadonlyArray<Told>>
  /** The requests since this was asked last. */
  readonly calls: Effect.Effect<ReadonlyArray<string>>
}

/** Starts it. */
export const start = async (name: string): Promise<Double> => {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  // What runs there looks for processes by their marks and ends them: it sees none but its own.
  const apart = ["--pid", "--fork", "--kill-child", "--mount-proc"]
  const asUser = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]
  const child = spawn("unshare", [...asUser, ...apart, process.execPath, file], { stdio: ["pipe", "pipe", "inherit"] })
  afterAll(async () => {
    // The end of its input is the end of the double, also when this process is killed.
    child.stdin.end()
    if (child.exitCode === null) await once(child, "exit")
  })
  const [ports] = await once(createInterface(child.stdout), "line")
  const [url, controls] = String(ports)
    .split(" ")
    .map((port) => `http://127.0.0.1:${port}`)
  const ask = <A>(path: string, body?: unknown): Effect.Effect<A> =>
    Effect.promise(() =>
      fetch(`${controls}${path}`, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }).then(
        (response) => response.json() as Promise<A>
      )
    )
  return {
    url: String(url),
    faults: (faults) => Effect.asVoid(ask("/__faults", faults)),
    machines: ask("/__machines"),
    calls: ask("/__calls")
  }
}
