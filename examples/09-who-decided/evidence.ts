/** What is handed to others: metrics, an attestation that is verified without us, and whose the lines of a file are. */
import type * as Intervention from "@millwright/core/Intervention"
import * as Attestation from "@millwright/governance/Attestation"
import * as Blame from "@millwright/governance/Blame"
import * as Envelope from "@millwright/governance/Envelope"
import * as LineOwners from "@millwright/governance/LineOwners"
import type * as Metrics from "@millwright/governance/Metrics"
import * as MetricsReport from "@millwright/governance/MetricsReport"
import * as Window from "@millwright/governance/Window"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, generateKeyPairSync } from "node:crypto"
import { strict as assert } from "node:assert"

/** What an hour of people's work costs, and what a change is worth to those who asked for it, in US dollars. */
const prices = { rate: 110, worth: () => 150 }

/** The report of a week. Writes it as HTML, Markdown and JSON. */
export const report = Effect.fnUntraced(function* (
  out: string,
  { from, state }: { from: number; state: Metrics.State }
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const window = Window.make(from, from + Window.week)
  const made = MetricsReport.of(state, { title: "The reader's factory", window, ...prices, asOf: window.to })
  yield* fs.writeFileString(path.join(out, "metrics.html"), MetricsReport.html(made))
  yield* fs.writeFileString(path.join(out, "metrics.md"), MetricsReport.markdown(made))
  const json = yield* Schema.encodeEffect(MetricsReport.Json)(made)
  yield* fs.writeFileString(path.join(out, "metrics.json"), `${JSON.stringify(json, null, 2)}\n`)
  return made.metrics
})

const shown = ["fullyAutomated", "semiAutomated", "costPerShipped", "humanHours", "roi", "escapedDefects"] as const

/** A few of the figures. Each of them says what it is made of, and of how much nobody knows. */
export const text = ({ figures }: Metrics.Metrics): string =>
  shown
    .map((name) => {
      const { denominator, numerator, unit, unknown, value } = figures[name]
      const of = `${Number(numerator.toFixed(2))} of ${Number(denominator.toFixed(2))}, unknown ${unknown}`
      return `  ${name.padEnd(16)} ${(value?.toFixed(2) ?? "none").padStart(5)} ${unit.padEnd(17)} (${of})`
    })
    .join("\n")

/** Signs what is known of a commit with a key of the factory, and writes the envelope and the public key. */
export const attest = Effect.fnUntraced(function* (
  out: string,
  head: string,
  people: ReadonlyArray<Intervention.Intervention>
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const interventions = new Map(people.map((each) => [each.id, each]))
  const envelope = Attestation.make({ head, repository: "example/reader", interventions }).pipe(
    Result.flatMap((statement) => Attestation.sign(statement, [privateKey]))
  )
  const file = path.join(out, "attestation.json")
  const key = path.join(out, "attestation.pub")
  yield* fs.writeFileString(file, Envelope.write(yield* Effect.fromResult(envelope)))
  yield* fs.writeFileString(key, publicKey.export({ type: "spki", format: "pem" }).toString())
  return { file, key }
})

/** Verifies an envelope as whoever has the two files does. The same for another commit is refused. */
export const verify = Effect.fnUntraced(function* ({ file, key }: { file: string; key: string }, head: string) {
  const fs = yield* FileSystem.FileSystem
  const keys = [{ publicKey: createPublicKey(yield* fs.readFileString(key)) }]
  const envelope = yield* Effect.fromResult(Envelope.read(yield* fs.readFileString(file)))
  const other = Attestation.verify(envelope, { head: "0".repeat(40), keys })
  assert(Result.isFailure(other), "an attestation of one commit was taken for one of another")
  return yield* Effect.fromResult(Attestation.verify(envelope, { head, keys }))
})

/** How many lines of a file are whose, as git and the authorship notes say. */
export const owners = Effect.fnUntraced(function* (dir: string, path: string) {
  const { files } = yield* Blame.make(dir, { rev: "main", paths: [path] })
  return LineOwners.summary(LineOwners.make(files))
})
