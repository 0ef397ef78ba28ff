/** How the browser surface finds what is wrong with apps: the specification of TodoMVC over any built ones, with no model. */
import * as BrowserSurface from "@millwright/validators/adapters/BrowserSurface"
import * as Recording from "@millwright/validators/Recording"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import * as Bench from "./Bench.ts"
import * as Apps from "./todomvc/Apps.ts"
import * as Clauses from "./todomvc/Clauses.ts"
import * as Matrix from "./todomvc/Matrix.ts"
import * as Suite from "./todomvc/Suite.ts"

/** What is measured. */
export const description =
  "the contract of TodoMVC over built apps, in a browser, by scripts: which clause fails where, and by which steps"

// Half of a clause is waiting for the browser.
const mostSessions = Math.min(2 * availableParallelism(), 16)

/** What can be set. */
export const options = {
  apps: { type: "string", about: "a folder with one folder for each app, built (the project's own app)" },
  evidence: { type: "string", about: "a folder for the recordings and for pictures of what fails" },
  replay: { type: "flag", about: "do every recording again, without a plan, and compare" },
  only: { type: "string", about: "clauses and areas, as in VAL-NEW-001,EDIT", default: "all" },
  sessions: { type: "number", about: "how many clauses are tested at once", default: mostSessions }
} as const satisfies Bench.Options

const chosen = (only: string): ReadonlyArray<string> => {
  const ids = Clauses.contract.assertions.map(({ id }) => id)
  const asked = only === "all" ? [""] : only.split(",").map((name) => name.trim())
  const of = (name: string) => ids.filter((id) => name === "" || id === name || id.startsWith(`VAL-${name}-`))
  const unknown = asked.find((name) => of(name).length === 0)
  if (unknown === undefined) return ids.filter((id) => asked.some((name) => of(name).includes(id)))
  throw new Bench.BadInput(`--only knows no "${unknown}". The clauses: ${ids.join(", ")}.`)
}

const keep = (folder: string, { app, ran }: Matrix.Row): void => {
  const own = join(folder, app)
  mkdirSync(own, { recursive: true })
  for (const { picture, recording } of ran) {
    writeFileSync(join(own, `${recording.assertion}.json`), `${JSON.stringify(recording, undefined, 2)}\n`)
    if (picture !== undefined && recording.status !== "pass")
      writeFileSync(join(own, `${recording.assertion}.png`), picture)
  }
}

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ apps: path, evidence, only, replay, sessions }, progress) => {
  const ids = chosen(only)
  const apps = Apps.find(path ?? join(import.meta.dirname, "data/todomvc/app"))
  const rows = await Effect.forEach(apps, (app) =>
    Effect.tap(Suite.test(app, { ids, isReplayed: replay, sessions }), (row) =>
      Effect.sync(() => {
        progress(Matrix.line(row))
        if (evidence !== undefined) keep(evidence, row)
      })
    )
  ).pipe(
    Effect.provide(BrowserSurface.layerWith({ checkWithin: 2_000 })),
    Effect.mapError(({ message }) => new Bench.BadInput(message)),
    Effect.runPromise
  )
  const agreement = Matrix.agreement(rows)
  return {
    figures: [
      Bench.figure("apps", rows.length, "apps"),
      Bench.figure("clauses", ids.length, "clauses"),
      ...(["pass", "fail", "blocked", "error"] as const).map((status) =>
        Bench.figure(status, Matrix.count(rows, status), "of all")
      ),
      {
        ...Bench.figure("slowest app", Math.max(...rows.map(({ seconds }) => seconds)), "s"),
        goal: { op: "<=", value: 20 }
      },
      { ...Bench.figure("time of an app", Bench.median(rows.map(({ seconds }) => seconds)), "s") },
      ...(replay
        ? [{ ...Bench.figure("replay agreement", agreement.share, "of all"), goal: { op: ">=", value: 1 } } as const]
        : []),
      Bench.figure("model calls", 0, "calls")
    ],
    notes: Matrix.text(rows, Clauses.contract, agreement.disagree),
    details: {
      contract: Clauses.contract,
      apps: rows.map(({ app, ran, seconds }) => ({
        app,
        seconds,
        findings: ran.map(({ reason, recording }) => ({
          assertion: recording.assertion,
          status: recording.status,
          reason,
          steps: Recording.steps(recording),
          troubles: recording.troubles,
          recording
        }))
      })),
      disagree: agreement.disagree
    }
  }
}
