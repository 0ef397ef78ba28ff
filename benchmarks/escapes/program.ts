/** Tries cases one after the other, in a process of its own, and prints what became of each as a line of JSON. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import * as Adapters from "../../examples/12-sandbox-exec/adapters.ts"
import * as Attack from "./Attack.ts"
import type { Case } from "./Case.ts"
import * as Fixture from "./Fixture.ts"
import * as Matrix from "./Matrix.ts"

interface Request {
  readonly adapter: string
  readonly image?: string
  readonly ids: ReadonlyArray<string>
  readonly folder: string
  readonly template: string
}

const request: Request = JSON.parse(process.argv[2] ?? "{}")
const shared: Fixture.Shared = {
  template: request.template,
  leak: join(request.folder, "leak"),
  typescript: join(request.folder, "typescript"),
  canary: readFileSync(join(request.folder, "leak", "secret.txt"), "utf8").trim()
}

let host = request.folder
process.on("SIGUSR2", () => writeFileSync(join(host, "signalled"), ""))

/** Standard output may be a terminal, which changes what goes through it. */
const print = (line: unknown): void => void writeSync(3, `${JSON.stringify(line)}\n`)

const on = async <A>(work: (fixture: Fixture.Fixture) => Promise<A>): Promise<A> => {
  const fixture = await Fixture.make(shared)
  host = fixture.variables["H"] ?? host
  const before = { ...process.env }
  // An adapter is to see, and keep to itself, what the host has.
  Object.assign(process.env, fixture.secret, { CANARY: undefined })
  delete process.env["CANARY"]
  process.env[`ESCAPE_${randomBytes(3).toString("hex").toUpperCase()}`] = shared.canary
  try {
    return await work(fixture)
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
    await fixture.remove()
  }
}

const adapter = Layer.provideMerge(
  await Adapters.load(request.adapter),
  Layer.mergeAll(
    NodeChildProcessSpawner.layer.pipe(Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer))),
    Logger.layer([])
  )
)

const withImage = (one: Case): Case =>
  request.image === undefined ? one : { ...one, spec: { ...one.spec, image: request.image } }

const main = Effect.gen(function* () {
  for (const one of Matrix.all.filter(({ id }) => request.ids.includes(id))) {
    const start = performance.now()
    const control = yield* Effect.promise(() => on((fixture) => Attack.control(one, fixture)))
    const between = performance.now()
    const services = yield* Effect.context<Layer.Success<typeof adapter>>()
    const outcome = yield* Effect.promise(() =>
      on((fixture) => Effect.runPromise(Effect.provideContext(Attack.inSandbox(withImage(one), fixture), services)))
    )
    const took = [between - start, performance.now() - between].map(Math.round)
    print({ id: one.id, control, outcome, took })
  }
})

await Effect.runPromise(Effect.scoped(Effect.provide(main, adapter)))
process.exit(0)
