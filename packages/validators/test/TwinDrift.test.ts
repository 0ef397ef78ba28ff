import { assert, describe, it } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Twin from "../src/Twin.ts"
import * as TwinDrift from "../src/TwinDrift.ts"
import * as TwinService from "../src/TwinService.ts"
import type * as TwinTrace from "../src/TwinTrace.ts"
import * as LoopbackServer from "./LoopbackServer.ts"
import * as Notes from "./NotesTwin.ts"

const seed = {
  tokens: { "notes-full-token": { name: "ada", scopes: ["write"] } },
  notes: ["first", "second"],
  hooks: []
}

const headers = { authorization: "Bearer notes-full-token" }

const json = { "content-type": "application/json; charset=utf-8" }

const trace: TwinTrace.Trace = {
  service: "notes",
  source: "what a service of notes might have answered, written for this test",
  recordedOn: "2026-02-03",
  origins: ["https://notes.example"],
  headers: ["content-type"],
  variables: ["id", "/notes/"],
  volatile: ["at"],
  exchanges: [
    {
      endpoint: "POST /notes",
      request: { method: "POST", path: "/notes", body: { text: "third" } },
      answer: { status: 201, headers: json, body: { id: 8_001, text: "third", at: 1 } }
    },
    {
      endpoint: "GET /notes",
      request: { method: "GET", path: "/notes" },
      answer: {
        status: 200,
        headers: json,
        body: [
          { id: 7_000, text: "first", at: 5 },
          { id: 7_001, text: "second", at: 5 },
          { id: 8_001, text: "third", at: 6 }
        ]
      }
    }
  ]
}

/** The trace with another answer of the service to its second request. */
const withBody = (body: Schema.Json): TwinTrace.Trace => ({
  ...trace,
  exchanges: trace.exchanges.map((each, index) => (index === 1 ? { ...each, answer: { ...each.answer, body } } : each))
})

const checked = Effect.fnUntraced(function* (other: TwinTrace.Trace) {
  const twin = yield* Notes.service.start(seed)
  return yield* TwinDrift.check(twin, other, { headers })
})

const note = (id: number, text: string) => ({ id, text, at: 5 })

describe("drift of a twin", () => {
  it.live("a twin that answers as the service does agrees in every field, whatever its ids and times", () =>
    Effect.gen(function* () {
      const report = yield* checked(trace)
      assert.deepStrictEqual(TwinDrift.describe(report), [])
      assert.deepStrictEqual([report.compared, report.agreeing, report.fidelity], [16, 16, 1])
      assert.isTrue(Schema.is(TwinDrift.Report)(report))
    })
  )

  it.live("a difference is named with its endpoint, its place and its kind", () =>
    Effect.gen(function* () {
      const [first, second, third] = [note(7_000, "first"), note(7_001, "second"), note(8_001, "third")]
      const cases: ReadonlyArray<readonly [Schema.Json, ReadonlyArray<string>]> = [
        [[first, { ...second, text: "2nd" }, third], ["value /body/1/text"]],
        [[first, { ...second, text: 2 }, third], ["type /body/1/text"]],
        [[first, { ...second, author: "ada" }, third], ["missing /body/1/author"]],
        [[first, { id: 7_001, text: "second" }, third], ["extra /body/1/at"]],
        [[first, second], ["extra /body/2"]],
        [{ notes: [] }, ["type /body"]],
        // Two notes of the service are one of the twin, or one is two.
        [[first, { ...second, id: 7_000 }, third], ["value /body/1/id"]]
      ]
      for (const [body, expected] of cases) {
        const { differences, fidelity } = yield* checked(withBody(body))
        assert.deepStrictEqual(
          differences.map(({ at, kind }) => `${kind} ${at}`),
          expected
        )
        assert.isTrue(differences.every(({ endpoint }) => endpoint === "GET /notes"))
        assert.isBelow(fidelity ?? 1, 1)
      }
    })
  )

  it.live("a twin that was changed in one answer is found, with the endpoint and the field", () =>
    Effect.gen(function* () {
      const changed = TwinService.make({
        ...Notes.definition,
        finish: (answer, { request }) =>
          request.method === "POST" && typeof answer.body === "object"
            ? { ...answer, body: { ...answer.body, text: "THIRD" } }
            : answer
      })
      const twin = yield* changed.start(seed)
      const { differences, endpoints } = yield* TwinDrift.check(twin, trace, { headers })
      assert.deepStrictEqual(differences, [
        { endpoint: "POST /notes", kind: "value", at: "/body/text", real: '"third"', twin: '"THIRD"' }
      ])
      assert.deepStrictEqual(
        endpoints.map(({ agreeing, compared, endpoint }) => [endpoint, agreeing, compared]),
        [
          ["POST /notes", 4, 5],
          ["GET /notes", 11, 11]
        ]
      )
    })
  )

  it.live("status, headers and a route that the twin does not have count", () =>
    Effect.gen(function* () {
      const [post, get] = trace.exchanges
      if (post === undefined || get === undefined) return assert.fail("the trace has two exchanges")
      const { differences, endpoints } = yield* checked({
        ...trace,
        exchanges: [
          { ...post, answer: { ...post.answer, status: 200, headers: { "content-type": "text/html" } } },
          {
            endpoint: "DELETE /notes/{id}",
            request: { method: "DELETE", path: "/notes/1" },
            answer: { status: 200, headers: {}, body: { deleted: true, id: 1 } }
          }
        ]
      })
      assert.deepStrictEqual(
        differences.map(({ at, kind }) => `${kind} ${at}`),
        [
          "status /status",
          "header /headers/content-type",
          "status /status",
          "missing /body/deleted",
          "missing /body/id"
        ]
      )
      assert.deepStrictEqual(
        endpoints.map(({ endpoint, fidelity }) => [endpoint, fidelity]),
        [
          ["POST /notes", 3 / 5],
          ["DELETE /notes/{id}", 0]
        ]
      )
    })
  )

  it.live("what the service chose is asked for by what the twin chose", () =>
    Effect.gen(function* () {
      const [post] = trace.exchanges
      if (post === undefined) return assert.fail("the trace has exchanges")
      const twin = yield* Notes.service.start(seed)
      const asked = (id: string) => ({
        endpoint: "GET /notes/{id}",
        request: { method: "GET", path: `/notes/${id}` },
        answer: { status: 200, headers: json, body: note(1, "first") }
      })
      const long = "0123456789abcdef0123456789abcdef"
      const report = yield* TwinDrift.check(
        twin,
        { ...trace, exchanges: [asked(long)] },
        { headers, given: { [long]: "1" } }
      )
      assert.deepStrictEqual(TwinDrift.describe(report), [])
    })
  )

  it.live("a trace that is none, and a twin that is gone, are errors", () =>
    Effect.gen(function* () {
      // What comes from a file may be anything.
      const none = JSON.parse("{}")
      assert.strictEqual((yield* Effect.flip(checked(none))).reason, "TraceInvalid")
      assert.strictEqual((yield* Effect.flip(checked({ ...trace, origins: ["no address"] }))).reason, "TraceInvalid")
      const gone = yield* Effect.scoped(Notes.service.start(seed))
      assert.strictEqual((yield* Effect.flip(TwinDrift.check(gone, trace))).reason, "TwinUnreachable")
    })
  )

  it.live("a path that would lead somewhere else is none, and the token goes nowhere", () =>
    Effect.gen(function* () {
      const heard: Array<string | undefined> = []
      const other = yield* LoopbackServer.listening((request, response) => {
        heard.push(request.headers.authorization)
        response.end()
      })
      const away = trace.exchanges.map((each) => ({
        ...each,
        request: { method: "GET", path: `@${new URL(other).host}/` }
      }))
      const report = yield* Effect.result(checked({ ...trace, exchanges: away }))
      assert.deepStrictEqual(heard, [], "the trace led out of the twin")
      assert.strictEqual(report._tag === "Failure" ? report.failure.reason : report._tag, "TraceInvalid")
    }).pipe(Effect.scoped)
  )

  it.live("a trace that is nested without an end is none, whether the twin answers with the same or not", () =>
    Effect.gen(function* () {
      const deep = "[".repeat(20_000) + "]".repeat(20_000)
      const address = yield* LoopbackServer.listening((_, response) => void response.end(deep))
      for (const body of [deep, "[]", '{"__proto__":{"a":1}}']) {
        const result = yield* Effect.result(
          TwinDrift.check({ name: "notes", url: address }, withBody(JSON.parse(body)))
        )
        const came = result._tag === "Failure" ? result.failure.reason : result._tag
        assert.strictEqual(came, body === deep ? "TraceInvalid" : came, body.slice(0, 20))
      }
      assert.isUndefined(Reflect.get({}, "a"), "a key of a trace became one of every object")
    }).pipe(Effect.scoped)
  )

  it.effect("a verdict says how good each of its twins is known to be", () =>
    Effect.gen(function* () {
      const report: TwinDrift.Report = {
        ...{ service: "notes", source: "s", recordedOn: null, endpoints: [], differences: [], fidelity: 0.5 },
        ...{ compared: 10, agreeing: 5 }
      }
      const compared = TwinDrift.fidelity("notes", [report, { ...report, agreeing: 10 }], 1_000)
      assert.deepStrictEqual(compared, { twin: "notes", fidelity: 0.75, comparedAt: 1_000 })
      const nothing = TwinDrift.fidelity("notes", [{ ...report, compared: 0, agreeing: 0 }], 1_000)
      assert.deepStrictEqual(nothing, Twin.neverCompared("notes"))
      const contract = Contract.freeze("item", [{ statement: "It works", kind: "artifact" }])
      const validator = Validator.make({
        name: "V",
        findings: () =>
          Effect.succeed(
            contract.assertions.map(({ id }) => ({
              assertion: id,
              status: "pass" as const,
              reason: "seen",
              evidence: [Verdict.evidence({ kind: "report", summary: "s", content: "c" })]
            }))
          )
      })
      const witnessed = Twin.witnessed(Twin.witnessed(validator, [{ fidelity: compared }]), [
        { fidelity: Twin.neverCompared("slack") },
        { fidelity: compared }
      ])
      const verdict = yield* witnessed.judge({ contract, change: { branch: "b", base: "1", head: "2", files: [] } })
      assert.deepStrictEqual(verdict.twins, [compared, Twin.neverCompared("slack")])
      assert.isTrue(verdict.accepted, Verdict.complaint(verdict))
      const together = Verdict.combine(contract, [verdict, { ...verdict, twins: [Twin.neverCompared("jira")] }])
      assert.deepStrictEqual(
        together.twins?.map(({ twin }) => twin),
        ["notes", "slack", "jira"],
        "the verdict of several validators loses their twins"
      )
    })
  )
})
