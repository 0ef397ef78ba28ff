/** A tool server over standard input and output, line by line. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as McpToolServer from "../../src/adapters/McpToolServer.ts"

const program = fileURLToPath(new URL("../fixtures/serve.ts", import.meta.url))

/** What the program writes when it reads this, and how it ends. */
const piped = (input: string) =>
  Effect.callback<{ readonly code: number | null; readonly errors: string; readonly lines: ReadonlyArray<unknown> }>(
    (resume) => {
      const child = spawn(process.execPath, [program], { stdio: "pipe", timeout: 20_000 })
      let output = ""
      let errors = ""
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk))
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk))
      child.once("close", (code) => {
        const lines = output.split("\n").filter((line) => line !== "")
        resume(Effect.succeed({ code, errors, lines: lines.map((line): unknown => JSON.parse(line)) }))
      })
      child.stdin.end(input)
    }
  )

const message = (id: number, name: string, args: object) =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } })

const Reply = Schema.Array(
  Schema.Struct({
    id: Schema.optionalKey(Schema.Union([Schema.Number, Schema.String])),
    error: Schema.optionalKey(Schema.Struct({ code: Schema.Number })),
    result: Schema.optionalKey(Schema.Unknown)
  })
)

describe("a tool server over stdio", () => {
  it.live("answers lines that are no message with an error, and those that are none the less", () =>
    Effect.gen(function* () {
      const long = message(4, "tool_search", { query: "x".repeat(McpToolServer.maxMessageBytes) })
      const { code, errors, lines } = yield* piped(
        [
          "garbage {",
          "[]",
          '{"jsonrpc":"2.0","id":3}',
          long,
          '{"jsonrpc":"2.0","method":"notifications/nonsense"}',
          message(5, "tool_call", { name: "desk/create_ticket", arguments: { title: "x" } }),
          ""
        ].join("\n")
      )
      const replies = Schema.decodeUnknownSync(Reply)(lines)
      assert.deepStrictEqual(
        replies.map(({ error, id }) => [id, error?.code]),
        [
          [undefined, -32_700],
          [undefined, -32_600],
          [3, -32_600],
          [4, -32_600],
          [5, undefined]
        ]
      )
      assert.include(JSON.stringify(replies[4]), "create_ticket")
      assert.strictEqual(errors, "")
      assert.strictEqual(code, 0, "It ends when its input ends")
    })
  )

  it.live("ends with its input while a call is not answered", () =>
    Effect.gen(function* () {
      const { code, lines } = yield* piped(`${message(1, "tool_call", { name: "desk/wait" })}\n`)
      assert.lengthOf(lines, 0)
      assert.strictEqual(code, 0)
    })
  )

  it.live("ends when nobody reads what it writes", () =>
    Effect.gen(function* () {
      const code = yield* Effect.callback<number | null>((resume) => {
        const child = spawn(process.execPath, [program], { stdio: "pipe", timeout: 20_000 })
        child.stdout.destroy()
        child.stdin.on("error", () => {})
        child.once("close", (code) => resume(Effect.succeed(code)))
        child.stdin.write(`${message(1, "tool_search", { query: "photo" })}\n`)
      })
      assert.strictEqual(code, 0)
    })
  )
})
