/** How good twins of outside services are, and how fast. */
import * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as TwinDrift from "@millwright/validators/TwinDrift"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import type * as Service from "./twins/Service.ts"
import * as Services from "./twins/Services.ts"

/** What is measured. */
export const description = "twins of outside services: how much of each is as the service is, and how fast they are"

/** What can be set. */
export const options = {
  only: { type: "string", about: "all, or some of the services, separated by commas", default: "all" },
  writes: { type: "number", about: "writes to measure with", default: 3_000 },
  runs: { type: "number", about: "runs of the scenario, of which each has to end in the same state", default: 1_000 }
} as const satisfies Bench.Options

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ only, runs, writes }, progress) => {
  const byName = Object.fromEntries(Services.all.map((service) => [service.name, service]))
  const measured = []
  for (const name of Bench.chosen(only, byName)) {
    const service = byName[name]
    if (service !== undefined) measured.push(await Effect.runPromise(measure(service, { runs, writes, progress })))
  }
  const broken = measured.filter(({ digests }) => digests !== 1).map(({ name }) => name)
  return {
    figures: measured.flatMap(({ figures }) => figures),
    notes: measured.flatMap(({ notes }) => notes),
    details: { services: measured.map(({ name, reports }) => ({ name, reports })) },
    ...(broken.length === 0
      ? {}
      : { failure: `The same scenario ends in different states at the twins of ${broken.join(", ")}.` })
  }
}

const measure = Effect.fnUntraced(function* (
  service: Service.Service,
  { progress, runs, writes }: { readonly runs: number; readonly writes: number; readonly progress: Bench.Progress }
) {
  const { name } = service
  progress(`${name}: compared with what is known of the service`)
  const compared = yield* Effect.scoped(
    Effect.forEach(service.compared, ({ against, check }) =>
      Effect.map(check, (reports) => ({ against, reports, ...TwinDrift.fidelity(name, reports, 0) }))
    )
  )
  progress(`${name}: ${writes} writes, ${runs} runs of the scenario`)
  const speed = yield* Effect.scoped(speedOf(service, { runs, writes }))
  const figures: ReadonlyArray<Bench.Measured> = [
    ...compared.map(({ against, fidelity }) =>
      Bench.figure(`${name}: fidelity, ${against}`, fidelity ?? undefined, "share")
    ),
    { name: `${name}: writes`, value: Bench.round(speed.writes), unit: "1/s", goal: { op: ">=", value: 1_000 } },
    { name: `${name}: reset`, ...Bench.middle(speed.resets), unit: "ms", goal: { op: "<=", value: 5 } },
    { name: `${name}: states after ${runs} runs`, value: speed.digests, unit: "digests", goal: { op: "<=", value: 1 } },
    { name: `${name}: scenarios`, value: Bench.round(speed.scenarios), unit: "1/h", goal: { op: ">=", value: 2_000 } }
  ]
  const reports = compared.flatMap((each) => each.reports)
  return {
    name,
    digests: speed.digests,
    figures,
    reports,
    notes: compared.length === 0 ? [`${name}: nobody has compared its twin with the service.`] : reports.flatMap(told)
  }
})

/** What a report says, with each difference once, however often it was seen. */
const told = (report: TwinDrift.Report): ReadonlyArray<string> => {
  const lines = new Map<string, number>()
  for (const { at, endpoint, kind, real, twin } of report.differences) {
    const line = `${endpoint} ${at.replace(/\/\d+(?=\/|$)/g, "/*")}: ${kind} (${real ?? "nothing"} / ${twin ?? "nothing"})`
    const key = [...lines.keys()].find((each) => each.split(" (")[0] === line.split(" (")[0]) ?? line
    lines.set(key, (lines.get(key) ?? 0) + 1)
  }
  const from = `${report.source}${report.recordedOn === null ? "" : `, ${report.recordedOn}`}`
  return [
    `${report.service}: ${report.agreeing} of ${report.compared} fields agree with ${from}`,
    ...[...lines].map(([line, count]) => `  ${line}${count === 1 ? "" : ` ×${count}`}`)
  ]
}

/** One client, one request after the other, over a loopback socket; the client is in the same process as the twin. */
const speedOf = Effect.fnUntraced(function* (
  service: Service.Service,
  { runs, writes }: { readonly runs: number; readonly writes: number }
) {
  const twin = yield* service.start
  const ask: Service.Ask = (what) =>
    TwinLab.send(twin.url, { ...what, headers: { ...service.headers, ...what.headers } })
  for (let n = 0; n < Math.min(writes, 200); n++) yield* ask(service.write(n))
  yield* twin.reset
  const began = performance.now()
  for (let n = 0; n < writes; n++) yield* ask(service.write(n))
  const wrote = performance.now() - began
  const resets: Array<number> = []
  const digests = new Set<string>()
  let spent = 0
  for (let n = 0; n < runs; n++) {
    const start = performance.now()
    yield* twin.reset
    resets.push(performance.now() - start)
    yield* service.scenario(ask)
    spent += performance.now() - start
    digests.add((yield* twin.snapshot).digest)
  }
  return {
    writes: (writes / wrote) * 1_000,
    resets,
    digests: digests.size,
    scenarios: runs === 0 ? 0 : (3_600_000 / spent) * runs
  }
})
