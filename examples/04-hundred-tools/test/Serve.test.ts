import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const program = here("../serve.ts")
const memory = here("../node_modules/@modelcontextprotocol/server-memory/dist/index.js")

/** Runs something with a configuration in a folder of its own. */
const withFile = async <A>(content: unknown, use: (file: string) => A | Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-example-04-"))
  const file = join(folder, "servers.json")
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content))
  try {
    return await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const run = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    timeout: 50_000
  })
  return { code: status, text: `${stdout}${stderr}` }
}

const servers = { mcpServers: { memory: { command: process.execPath, args: [memory], alwaysLoad: true } } }

const search = async (client: Client) =>
  JSON.stringify(await client.callTool({ name: "tool_search", arguments: { query: "create entities" } }))

describe("04-hundred-tools/serve.ts", () => {
  it(
    "serves what a client's own file says over stdio, within a scope",
    () =>
      withFile({ ...servers, scope: ["memory/*", "!memory/delete_*"] }, async (file) => {
        const client = new Client({ name: "test", version: "1" })
        await client.connect(new StdioClientTransport({ command: process.execPath, args: [program, "--config", file] }))
        try {
          assert.include(client.getInstructions(), "memory (6)")
          assert.include(await search(client), "memory/create_entities")
          const { isError } = await client.callTool({
            name: "tool_call",
            arguments: { name: "memory/delete_entities", arguments: { entityNames: [] } }
          })
          assert.isTrue(isError, "It called what is outside of its scope")
        } finally {
          await client.close()
        }
      }),
    60_000
  )

  it(
    "serves over http with the token that it was given, and ends by Ctrl-C",
    () =>
      withFile(servers, async (file) => {
        const token = "a-token-for-the-tests"
        const child = spawn(process.execPath, [program, "--config", file, "--http"], {
          env: { ...process.env, MILLWRIGHT_TOOLS_TOKEN: token },
          timeout: 50_000
        })
        const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
        let output = ""
        const url = await new Promise<string>((resolve) =>
          child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
            output += chunk
            const [found] = /http:\S+(?=\n)/.exec(output) ?? []
            if (found !== undefined) resolve(found)
          })
        )
        const client = new Client({ name: "test", version: "1" })
        const requestInit = { headers: { authorization: `Bearer ${token}` } }
        // Its types are not made for exact optional properties.
        await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport)
        assert.include(await search(client), "memory/create_entities")
        await client.close()
        child.kill("SIGINT")
        assert.strictEqual(await ended, 0)
        assert.notInclude(output, token)
      }),
    60_000
  )

  it("says what there is", () => {
    const { code, text } = run("--server", `memory=${process.execPath} ${memory}`, "--check")
    assert.strictEqual(code, 0, text)
    assert.match(text, /memory +9 tools +live/)
  }, 60_000)

  it.each([
    [
      { none: { command: "no-such-program -y thing" } },
      [],
      /none can not be listed.*Arguments are no part of the command/
    ],
    [servers.mcpServers, ["gihtub/*", "memory/*"], /IdlePattern: The pattern gihtub\/\* fits no tool/],
    [servers.mcpServers, ["!memory/read_graph"], /only takes away/]
  ])(
    "finds what is wrong with %j and the scope %j",
    (mcpServers, scope, message) =>
      withFile({ mcpServers }, (file) => {
        const { code, text } = run("--config", file, "--check", ...scope.flatMap((each) => ["--scope", each]))
        assert.strictEqual(code, 1, text)
        assert.match(text, message)
      }),
    60_000
  )

  it(
    "says to whom it is started by what it serves and what not, beside its output",
    () =>
      withFile(
        { mcpServers: { ...servers.mcpServers, none: { command: "no-such-program" } }, scope: ["*/*", "memroy/*"] },
        async (file) => {
          const client = new Client({ name: "test", version: "1" })
          const args = [program, "--config", file]
          const transport = new StdioClientTransport({ command: process.execPath, args, stderr: "pipe" })
          let said = ""
          const told = new Promise<void>((resolve) =>
            transport.stderr?.on("data", (chunk: Buffer) => {
              said += chunk.toString()
              if (/memroy.*\n/.test(said) && /none can.*\n/.test(said)) resolve()
            })
          )
          await client.connect(transport)
          try {
            await told
            assert.include(said, "Serving 9 tools of 1 server.")
          } finally {
            await client.close()
          }
        }
      ),
    60_000
  )

  it.each([
    ["", /is not as it has to be/],
    ['{"mcpServers":{"a":{"type":"sse","url":"http://127.0.0.1:1"}}}', /"sse", which is not spoken/],
    ['{"mcpServers":{"a":{"url":"127.0.0.1:1"}}}', /begins with http:/],
    ['{"mcpServers":{"a":{}}}', /is not as it has to be/],
    ['{"mcpServers":{"a b":{"command":"x"}}}', /"a b": a name has no spaces/],
    ['{"mcpServers":{}}', /nothing to serve/],
    ['{"mcpServers":{"a":{"command":"x","env":{"KEY":"${NO_SUCH_VARIABLE}"}}}}', /NO_SUCH_VARIABLE is not set/],
    ['{"mcpServers":{"a":{"command":"x"}},"scope":["x"]}', /is not as it has to be/]
  ])(
    "says what is wrong with the file %s",
    (content, message) =>
      withFile(content, (file) => {
        const { code, text } = run("--config", file)
        assert.strictEqual(code, 2, text)
        assert.match(text, message)
      }),
    60_000
  )

  it.each([
    [[], /nothing to serve/],
    [["--server", "nonsense"], /--server nonsense: give a name/],
    [["--server", "a=x", "--scope", "y"], /--scope y: give patterns/],
    [["--config", "no-such-file"], /no-such-file can not be read/],
    [["--server", "a=x", "--http", "--port", "99999"], /Port 99999/],
    [["--server", "a=x", "--port", "8080"], /--port is for HTTP/],
    [["--server", "a=x", "--budget", "-3"], /budget/],
    [["--dance"], /dance/]
  ])(
    "says what is wrong with the arguments %j",
    (args, message) => {
      const { code, text } = run(...args)
      assert.strictEqual(code, 2, text)
      assert.match(text, message)
    },
    60_000
  )
})
