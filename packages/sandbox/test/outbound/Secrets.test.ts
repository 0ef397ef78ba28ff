import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFile, spawn } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import * as https from "node:https"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Outbound from "../../src/Outbound.ts"
import type { SecretUse } from "../../src/SandboxSpec.ts"
import * as SecretBroker from "../../src/SecretBroker.ts"
import * as Loopback from "./Loopback.ts"

const { allow, get, includes, listening, origin, tunnel, wayOut } = Loopback

const secret = "s3cret $(touch x) `id` ;'\"\\ |&é"

const broker = (values: Readonly<Record<string, string>>) =>
  Effect.provide(
    SecretBroker.SecretBroker,
    SecretBroker.fromMap(
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Redacted.make(value)]))
    )
  )

const header = (hosts: readonly [string, ...ReadonlyArray<string>], more: Partial<SecretUse> = {}): SecretUse => ({
  handle: "token",
  hosts,
  as: { _tag: "Header", name: "X-Token", prefix: "Key " },
  ...more
})

describe("a header", () => {
  it.live("is set outside and goes over TLS, and what is said inside under its name is dropped", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut(
          { secrets: [header([host])], egress: allow([`other.test:${server.port}`], server.port) },
          { broker: yield* broker({ token: secret }) }
        )
        const answer = yield* get(port, `http://${host}/path`, { headers: { "x-TOKEN": "mine", "x-other": "kept" } })
        assert.strictEqual(answer.status, 200, answer.text)
        const [seen] = server.seen
        assert.strictEqual(Buffer.from(String(seen?.headers["x-token"]), "latin1").toString("latin1"), `Key ${secret}`)
        assert.strictEqual(seen?.headers["x-other"], "kept")
        // Another host gets nothing, and its plain requests stay plain.
        assert.notStrictEqual((yield* get(port, `http://other.test:${server.port}/`)).status, 200)
        assert.strictEqual(server.seen.length, 1)
        assert.strictEqual((yield* tunnel(port, host)).status, 200, "a tunnel is let through, without the secret")
      })
    )
  )

  it.live("never comes back: not in a body, however it is cut, nor in a header; redirects carry nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const value = "s3cret-value-0123456789"
        const server = yield* origin((request, response) => {
          const echo = String(request.headers["x-token"])
          if (request.url === "/redirect") {
            response.writeHead(302, { location: `https://other.test:1/?t=${echo}`, "set-cookie": [`a=${echo}`, "b=1"] })
            return response.end()
          }
          if (request.url === "/home") {
            response.writeHead(302, { location: `https://${request.headers.host}/there` })
            return response.end()
          }
          assert.strictEqual(request.headers["accept-encoding"], "identity")
          // One byte at a time.
          const bytes = Buffer.from(`${echo}|${echo}|s3cret-value`, "latin1")
          let at = 0
          const next = (): void => {
            if (at === bytes.length) return void response.end()
            response.write(bytes.subarray(at, ++at), () => next())
          }
          next()
        }, true)
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut(
          { secrets: [header([host])], egress: allow([], server.port) },
          { broker: yield* broker({ token: value }) }
        )
        const stars = "*".repeat(value.length)
        const echo = yield* get(port, `http://${host}/`, { headers: { "accept-encoding": "gzip" } })
        assert.strictEqual(echo.text, `Key ${stars}|Key ${stars}|s3cret-value`)
        const redirect = yield* get(port, `http://${host}/redirect`)
        assert.notInclude(JSON.stringify(redirect.headers), value)
        includes(String(redirect.headers.location), "https://other.test:1/", "the redirect")
        const home = yield* get(port, `http://${host}/home`)
        assert.strictEqual(home.headers.location, `http://${host}/there`, "a redirect to the same host stays with us")
      })
    )
  )

  it.live("is asked for at each use; one that can not be used is never told", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const host = `origin.test:${server.port}`
        const values = ["first", "second", "third", "line\r\nx-evil: 1", "nul\0here", "snow ☃", ""]
        let asked = 0
        const { port, refusals } = yield* wayOut(
          { secrets: [header([host])], egress: allow([], server.port) },
          { broker: { get: () => Effect.sync(() => Redacted.make(values[asked++] ?? "")) } }
        )
        for (const expected of ["second", "third"]) {
          yield* get(port, `http://${host}/`)
          assert.strictEqual(server.seen.at(-1)?.headers["x-token"], `Key ${expected}`)
        }
        for (const bad of values.slice(3)) {
          const { status, text } = yield* get(port, `http://${host}/`)
          assert.strictEqual(status, 502, text)
          includes(text, "token", "the answer")
          if (bad !== "") assert.notInclude(text, bad)
        }
        assert.strictEqual(server.seen.length, 2)
        assert.deepInclude(refusals, { where: host, rule: "secret" })
      })
    )
  )

  it.effect("that belongs to the connection, a wrong host, a missing broker and a missing value are told at once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const options = { broker: yield* broker({ token: "x" }), lockFile: Effect.succeed(undefined) }
        const reason = (use: SecretUse, more: Partial<Outbound.Options> = {}) =>
          Effect.map(Effect.flip(Outbound.make({ secrets: [use] }, { ...options, ...more })), ({ reason }) => reason)
        for (const name of ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization"]) {
          assert.strictEqual(yield* reason(header(["a.test"], { as: { _tag: "Header", name } })), "BadSpec", name)
        }
        const prefixed: SecretUse["as"] = { _tag: "Header", name: "x", prefix: "a\r\nb: " }
        assert.strictEqual(yield* reason(header(["a.test"], { as: prefixed })), "BadSpec")
        assert.strictEqual(yield* reason(header(["*"])), "BadSpec")
        assert.strictEqual(yield* reason(header(["a.test"]), { broker: undefined }), "Unavailable")
        assert.strictEqual(yield* reason(header(["a.test"], { handle: "other" })), "Unavailable")
      })
    )
  )

  it.effect("comes from the configuration, by its handle", () =>
    Effect.gen(function* () {
      const { get } = yield* SecretBroker.SecretBroker
      const value = yield* get("github-token.x")
      assert.strictEqual(Redacted.value(value), "v")
      assert.notInclude(`${String(value)}${JSON.stringify(value)}`, 'v"')
      assert.include((yield* Effect.flip(get("other"))).message, "SECRET_OTHER")
    }).pipe(
      Effect.provide(SecretBroker.fromConfig("secret")),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ SECRET_GITHUB_TOKEN_X: "v" }))
    )
  )
})

describe("programs", () => {
  it.live(
    "of Node, curl and git's kind ask for the secret by plain HTTP, in a tunnel or not, and see nothing of it",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const value = "value-0123456789"
          const server = yield* origin(
            (request, response) => response.end(String(request.headers["x-token"] === `Key ${value}`)),
            true
          )
          const host = `origin.test:${server.port}`
          const { proxied } = yield* wayOut(
            { secrets: [header([host])], egress: allow([], server.port) },
            { broker: yield* broker({ token: value }) }
          )
          const run = (program: string, ...args: ReadonlyArray<string>) =>
            Effect.promise(() => promisify(execFile)(program, args, { env: { ...proxied, PATH: process.env.PATH } }))
          const fetching = `fetch("http://${host}/").then((answer) => answer.text()).then(console.log)`
          const asking = `require("http").get("http://${host}/", (answer) => answer.pipe(process.stdout))`
          for (const script of [fetching, asking]) {
            assert.strictEqual((yield* run(process.execPath, "-e", script)).stdout.trim(), "true", script)
          }
          assert.strictEqual((yield* run("curl", "-s", `http://${host}/`)).stdout, "true")
          assert.strictEqual((yield* run("curl", "-s", "--proxytunnel", `http://${host}/`)).stdout, "true")
          const secure = yield* run("curl", "-s", "-k", `https://${host}/`)
          assert.strictEqual(secure.stdout, "false", "what makes TLS itself gets there, without the secret")
        })
      )
  )
})

/** A git server over TLS that asks for a user and a password. */
const gitServer = Effect.fnUntraced(function* (root: string, authorization: string) {
  const seen: Array<{ readonly url: string; readonly isAllowed: boolean }> = []
  const server = https.createServer(Loopback.authority(), (request, response) => {
    const isAllowed = request.headers.authorization === authorization
    seen.push({ url: request.url ?? "", isAllowed })
    if (!isAllowed) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' })
      return void response.end()
    }
    const url = new URL(request.url ?? "", "http://x")
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        REMOTE_USER: "ada",
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? ""
      }
    })
    request.pipe(backend.stdin)
    backend.stdin.on("error", () => undefined)
    const chunks: Array<Buffer> = []
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    backend.on("close", () => {
      const all = Buffer.concat(chunks)
      const at = all.indexOf("\r\n\r\n")
      const head = all.toString("latin1", 0, at).split("\r\n")
      for (const line of head) {
        const [name = "", value = ""] = line.split(/: (.*)/)
        if (name === "Status") response.statusCode = Number(value.slice(0, 3))
        else response.setHeader(name, value)
      }
      response.end(all.subarray(at + 4))
    })
  })
  return { seen, port: yield* listening(server) }
})

describe("git", () => {
  it.live("fetches and pushes with a credential that it never sees", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* Loopback.folder
        const bare = join(folder, "served", "repository.git")
        const home = join(folder, "home")
        mkdirSync(bare, { recursive: true })
        mkdirSync(home)
        const password = "p4ssword: $(id) '\" é"
        const pair = Buffer.from(`ada:${password}`).toString("base64")
        const { port: at, seen } = yield* gitServer(join(folder, "served"), `Basic ${pair}`)
        const host = `origin.test:${at}`
        const { proxied } = yield* wayOut(
          {
            secrets: [{ handle: "token", hosts: [host], as: { _tag: "GitCredential", user: "ada" } }],
            egress: allow([], at)
          },
          { broker: yield* broker({ token: password }) }
        )
        const env = {
          ...proxied,
          PATH: process.env.PATH,
          HOME: home,
          GIT_TERMINAL_PROMPT: "0",
          GIT_TRACE_CURL: "1",
          GIT_AUTHOR_NAME: "Ada",
          GIT_AUTHOR_EMAIL: "ada@example.invalid",
          GIT_COMMITTER_NAME: "Ada",
          GIT_COMMITTER_EMAIL: "ada@example.invalid"
        }
        const git = (cwd: string, ...args: ReadonlyArray<string>) =>
          Effect.promise(() => promisify(execFile)("git", args, { cwd, env, maxBuffer: 1e8 }))
        yield* git(bare, "init", "-q", "--bare", "-b", "main")
        yield* git(bare, "config", "http.receivepack", "true")
        const url = `https://${host}/repository.git`
        const first = yield* git(home, "clone", url, "one")
        const one = join(home, "one")
        yield* git(one, "commit", "-q", "--allow-empty", "-m", "first")
        const pushed = yield* git(one, "push", "-q", "origin", "HEAD:main")
        const two = yield* git(home, "clone", "-q", url, "two")
        const log = yield* git(join(home, "two"), "log", "--format=%s")
        assert.strictEqual(log.stdout.trim(), "first")
        const origin = yield* git(one, "config", "remote.origin.url")
        assert.strictEqual(origin.stdout.trim(), url, "the remote should keep the URL that was given")
        assert.isTrue(seen.length > 3 && seen.every(({ isAllowed }) => isAllowed), JSON.stringify(seen))
        const said = [first, pushed, two].map(({ stderr, stdout }) => stderr + stdout).join("")
        const files = (path: string): string =>
          readdirSync(path)
            .map((name) => join(path, name))
            .map((path) => (statSync(path).isDirectory() ? files(path) : readFileSync(path, "latin1")))
            .join("")
        for (const part of [password, pair]) {
          assert.notInclude(said, part, "git should not have seen the credential")
          assert.notInclude(files(home), part, "nothing in the workspace should hold the credential")
          assert.notInclude(JSON.stringify(proxied), part)
        }
        // Not for whatever else the host offers.
        yield* get(Number(new URL(proxied.http_proxy ?? "").port), `http://${host}/api/v1/user`)
        assert.deepStrictEqual(seen.at(-1), { url: "/api/v1/user", isAllowed: false })
      })
    )
  )

  it.live("alone gets the credential: no other path, query or method that looks like one of git's", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* origin(undefined, true)
        const host = `origin.test:${server.port}`
        const { port } = yield* wayOut(
          {
            secrets: [{ handle: "token", hosts: [host], as: { _tag: "GitCredential", user: "ada" } }],
            egress: allow([], server.port)
          },
          { broker: yield* broker({ token: "p4ssword-0123" }) }
        )
        const isGiven = Effect.fnUntraced(function* (method: string, path: string) {
          const before = server.seen.length
          yield* get(port, `http://${host}${path}`, { method })
          const seen = server.seen.slice(before)
          assert.strictEqual(seen.length, 1, `${method} ${path} should have got there`)
          return seen[0]?.headers.authorization !== undefined
        })
        const gits = [
          ["GET", "/a/b.git/info/refs?service=git-upload-pack"],
          ["GET", "/a/b%20c/info/refs"],
          ["POST", "/a/b.git/git-upload-pack"],
          ["POST", "/a/b.git/git-receive-pack"],
          ["POST", "/a/b.git/info/lfs/objects/batch"],
          ["POST", "/a/b.git/info/lfs/locks/verify"]
        ] as const
        for (const [method, path] of gits) assert.isTrue(yield* isGiven(method, path), `${method} ${path}`)
        const others = [
          ["GET", "/api/v1/user?x=/info/refs"],
          ["GET", "/api/v1/user?/info/refs?service=git-upload-pack"],
          ["DELETE", "/api/v1/repos/a?/git-receive-pack"],
          ["POST", "/api/v1/user/keys?x=/git-upload-pack"],
          ["GET", "/api/v1/user%3f/info/refs"],
          ["GET", "/api/v1/user%23/info/refs"],
          ["GET", "/a/../api/v1/info/refs"],
          ["GET", "/a/%2e%2e/api/info/refs"],
          ["GET", "/a/info/refs/../../../api"],
          ["GET", "/a/b%2finfo/refs"],
          ["GET", "/a%252fb/info/refs"],
          ["GET", "/a;x/info/refs"],
          ["GET", "/a//info/refs"],
          ["GET", "/info/refs"],
          ["GET", "/a/b/info/refs/"],
          ["GET", "/a/b/info/refs%0a"],
          ["GET", "/a/%/info/refs"],
          ["GET", "/a/b.git/git-upload-pack"],
          ["GET", "/a/b.git/info/lfs/objects/batch"],
          ["POST", "/a/b.git/info/lfs/anything"],
          ["POST", "/a/b.git/info/refs"],
          ["PUT", "/a/b.git/git-receive-pack"],
          ["DELETE", "/a/b.git/info/refs"]
        ] as const
        for (const [method, path] of others) assert.isFalse(yield* isGiven(method, path), `${method} ${path}`)
      })
    )
  )
})
