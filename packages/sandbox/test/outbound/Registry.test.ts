import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFile, execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect as tls } from "node:tls"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import * as LockFile from "../../src/LockFile.ts"
import * as Outbound from "../../src/Outbound.ts"
import type { Registry } from "../../src/SandboxSpec.ts"
import * as SecretBroker from "../../src/SecretBroker.ts"
import * as Loopback from "./Loopback.ts"

const { allow, get, includes, origin, tunnel, wayOut } = Loopback

const day = 86_400_000

/** Versions by package, with how many days ago they were published and what they depend on. */
type Published = Readonly<
  Record<string, Readonly<Record<string, { readonly days: number; readonly needs?: Readonly<Record<string, string>> }>>>
>

const published: Published = {
  left: {
    "1.0.0": { days: 100 },
    "1.1.0": { days: 30 },
    "2.0.0-beta.1": { days: 20 },
    "2.0.0": { days: 1 }
  },
  "@scope/right": { "0.1.0": { days: 50, needs: { left: "^1.0.0" } } },
  evil: { "1.0.0": { days: 500 } }
}

/** A registry over TLS, as it would be anywhere: absolute tarball URLs, gzip, and a token that it asks for. */
const registry = Effect.fnUntraced(function* (token?: string) {
  const folder = yield* Loopback.folder
  const tarballs = new Map<string, Buffer>()
  for (const [name, versions] of Object.entries(published)) {
    for (const [version, { needs = {} }] of Object.entries(versions)) {
      const path = join(folder, "package")
      mkdirSync(path, { recursive: true })
      writeFileSync(
        join(path, "package.json"),
        JSON.stringify({ name, version, dependencies: needs, main: "index.js" })
      )
      writeFileSync(join(path, "index.js"), `module.exports = ${JSON.stringify(`${name}@${version}`)}\n`)
      const base = name.split("/").at(-1)
      tarballs.set(`/${name}/-/${base}-${version}.tgz`, execFileSync("tar", ["-czf", "-", "package"], { cwd: folder }))
    }
  }
  const packument = (name: string, host: string) => {
    const versions = published[name] ?? {}
    const path = (version: string) => `/${name}/-/${name.split("/").at(-1)}-${version}.tgz`
    return {
      name,
      "dist-tags": { latest: Object.keys(versions).at(-1), next: "2.0.0-beta.1" },
      versions: Object.fromEntries(
        Object.entries(versions).map(([version, { needs = {} }]) => [
          version,
          {
            name,
            version,
            dependencies: needs,
            dist: {
              tarball: `https://${host}${path(version)}`,
              integrity: `sha512-${createHash("sha512")
                .update(tarballs.get(path(version)) ?? "")
                .digest("base64")}`
            }
          }
        ])
      ),
      time: {
        created: new Date(0).toISOString(),
        ...Object.fromEntries(
          Object.entries(versions).map(([version, { days }]) => [
            version,
            new Date(Date.now() - days * day).toISOString()
          ])
        )
      }
    }
  }
  const server = yield* origin((request, response) => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.statusCode = 401
      return response.end("{}")
    }
    const path = decodeURIComponent(request.url ?? "")
    const tarball = tarballs.get(path)
    if (tarball !== undefined) return response.end(tarball)
    if (published[path.slice(1)] === undefined) {
      response.statusCode = 404
      return response.end("{}")
    }
    const { time, ...short } = packument(path.slice(1), String(request.headers.host))
    const isShort = String(request.headers.accept).includes("install-v1")
    response.writeHead(200, { "content-encoding": "gzip", "content-type": "application/json", etag: '"1"' })
    response.end(gzipSync(JSON.stringify(isShort ? short : { ...short, time })))
  }, true)
  return { ...server, host: `origin.test:${server.port}`, packument }
})

const opened = Effect.fnUntraced(function* (rules: Omit<Registry, "hosts">, options: Partial<Outbound.Options> = {}) {
  const server = yield* registry()
  const out = yield* wayOut({ registry: { hosts: [server.host], ...rules }, egress: allow([], server.port) }, options)
  return { ...out, server, ask: (path: string, more = {}) => get(out.port, `http://${server.host}${path}`, more) }
})

describe("what of a registry is shown", () => {
  it.live("versions that are old enough, with tags and times that agree, and tarballs that come our way", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { ask, server } = yield* opened({ minimumAge: 7 * day })
        const { headers, status, text } = yield* ask("/left", {
          headers: { accept: "application/vnd.npm.install-v1+json", "if-none-match": '"1"' }
        })
        assert.strictEqual(status, 200, text)
        const document = JSON.parse(text)
        assert.deepStrictEqual(Object.keys(document.versions), ["1.0.0", "1.1.0", "2.0.0-beta.1"])
        assert.deepStrictEqual(document["dist-tags"], { latest: "1.1.0", next: "2.0.0-beta.1" })
        assert.deepStrictEqual(Object.keys(document.time), ["created", "1.0.0", "1.1.0", "2.0.0-beta.1"])
        assert.strictEqual(document.versions["1.1.0"].dist.tarball, `http://${server.host}/left/-/left-1.1.0.tgz`)
        assert.isUndefined(headers.etag, "what was changed on the way is not what the tag is of")
        assert.strictEqual((yield* ask("/left/-/left-1.1.0.tgz")).status, 200)
        assert.strictEqual((yield* ask("/left/-/left-2.0.0.tgz")).status, 403)
        assert.strictEqual(JSON.parse((yield* ask("/left/latest")).text).version, "1.1.0")
        assert.strictEqual((yield* ask("/left/2.0.0")).status, 403)
        assert.strictEqual((yield* ask("/missing")).status, 404)
        assert.isFalse(server.seen.some(({ url }) => url.includes("2.0.0.tgz")))
      })
    )
  )

  it.live("a tarball is judged also when its package was not asked for before", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { ask } = yield* opened({ minimumAge: 7 * day })
        assert.strictEqual((yield* ask("/left/-/left-2.0.0.tgz")).status, 403)
        assert.strictEqual((yield* ask("/@scope%2fright/-/right-0.1.0.tgz")).status, 200)
      })
    )
  )

  it.live("only packages of the list, and nothing but packages, however the path is written", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { ask, port, refusals, server } = yield* opened({ packages: ["left", "@scope/*"] })
        for (const path of [
          "/left",
          "/@scope/right",
          "/@scope%2fright",
          "/@scope%2Fright",
          "/l%65ft",
          "/left?write=true"
        ]) {
          assert.strictEqual((yield* ask(path)).status, 200, path)
        }
        const before = server.seen.length
        for (const path of [
          "/evil",
          "/%65vil",
          "/evil/-/evil-1.0.0.tgz",
          "/left/../evil",
          "/left/%2e%2e/evil",
          "//evil",
          "/left//-/x.tgz",
          "/left%2f..%2fevil",
          "/left/-/../../evil/-/evil-1.0.0.tgz",
          "/left/-/evil-1.0.0.tgz",
          "/left/-/left-1.0.0.tgz/x",
          "/-/v1/search?text=evil",
          "/-/npm/v1/security/audits",
          "/-/package/left/dist-tags",
          "/",
          "/@scope",
          "/left%",
          "/@scope/..%2f..%2fevil",
          "/left%252f",
          "/.git/config",
          "/_session",
          "/left\\..\\evil",
          "/-/ping"
        ]) {
          const { status, text } = yield* ask(path)
          assert.strictEqual(status, 403, `${path}: ${text}`)
        }
        for (const method of ["PUT", "POST", "DELETE", "PATCH"]) {
          assert.strictEqual((yield* ask("/left", { method, body: "{}" })).status, 403, method)
        }
        assert.isFalse(
          server.seen.slice(before).some(({ url }) => url.includes("evil")),
          "nothing should reach the registry"
        )
        // Some programs make a tunnel for a plain request as well.
        const { socket, status } = yield* tunnel(port, server.host)
        assert.strictEqual(status, 200)
        const inside = yield* Effect.callback<string>((done) => {
          let text = ""
          socket.on("data", (chunk) => (text += String(chunk)))
          socket.on("close", () => done(Effect.succeed(text)))
          const ask = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: ${server.host}\r\n${more}\r\n`
          socket.write(`${ask("/left/1.0.0")}${ask("/evil", "connection: close\r\n")}`)
        })
        assert.match(inside, /^HTTP\/1.1 200 [^]*"version":"1.0.0"[^]*HTTP\/1.1 403 /)
        const closed = yield* Effect.callback<string>((done) => {
          const session = tls({ host: "127.0.0.1", port, ca: Loopback.authority().ca })
          session.on("error", () => done(Effect.succeed("no TLS")))
        })
        assert.strictEqual(closed, "no TLS")
        const usual = yield* wayOut({ registry: { hosts: ["origin.test"] } })
        const refused = yield* tunnel(usual.port, "origin.test:443")
        assert.strictEqual(refused.status, 403, "in TLS no rule would hold")
        includes(refused.text, "http://origin.test/", "the answer")
        assert.deepInclude(refusals, { where: server.host, rule: "registry" })
      })
    )
  )

  it.live("only what the lock file names, with the digest that it names", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* registry()
        const integrity = server.packument("left", "x").versions["1.0.0"]?.dist.integrity
        const lock = {
          lockfileVersion: 3,
          packages: {
            "": { name: "app" },
            "node_modules/left": { version: "1.0.0", integrity },
            "node_modules/alias": { name: "@scope/right", version: "0.1.0", integrity: "sha512-other" },
            "node_modules/here": { link: true }
          }
        }
        const out = yield* wayOut(
          { registry: { hosts: [server.host], lockFileOnly: true }, egress: allow([], server.port) },
          { lockFile: Effect.succeed({ name: "package-lock.json", text: JSON.stringify(lock) }) }
        )
        const ask = (path: string) => get(out.port, `http://${server.host}${path}`)
        assert.deepStrictEqual(Object.keys(JSON.parse((yield* ask("/left")).text).versions), ["1.0.0"])
        assert.strictEqual((yield* ask("/left/-/left-1.0.0.tgz")).status, 200)
        assert.strictEqual((yield* ask("/left/-/left-1.1.0.tgz")).status, 403)
        assert.strictEqual((yield* ask("/evil")).status, 403)
        assert.deepStrictEqual(JSON.parse((yield* ask("/@scope/right")).text).versions, {}, "another digest")
        assert.strictEqual((yield* ask("/@scope%2fright/-/right-0.1.0.tgz")).status, 403)
      })
    )
  )

  it.effect("rules that can not hold are a bad spec", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const reason = (registry: Registry, text?: string, name = "package-lock.json") =>
          Effect.map(
            Effect.flip(
              Outbound.make(
                { registry },
                { broker: undefined, lockFile: Effect.succeed(text === undefined ? undefined : { name, text }) }
              )
            ),
            ({ message, reason }) => `${reason} ${message}`
          )
        const hosts = ["registry.test"] as const
        includes(yield* reason({ hosts, lockFileOnly: true }), "BadSpec", "no lock file")
        includes(yield* reason({ hosts, lockFileOnly: true }, "{"), "BadSpec", "a broken lock file")
        includes(
          yield* reason({ hosts, lockFileOnly: true }, '{"lockfileVersion":1,"dependencies":{}}'),
          "--lockfile-version 3",
          "an old one"
        )
        includes(
          yield* reason({ hosts, lockFileOnly: true }, "a: [", "pnpm-lock.yaml"),
          "BadSpec",
          "a broken pnpm-lock.yaml"
        )
        includes(yield* reason({ hosts, packages: ["*"] }), "BadSpec", "a wildcard")
        includes(yield* reason({ hosts: ["*"] }), "BadSpec", "a host")
      })
    )
  )
})

describe("installers", () => {
  const npm = (cwd: string, env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
    Effect.promise(() =>
      promisify(execFile)("npm", args, {
        cwd,
        timeout: 60_000,
        env: {
          ...env,
          PATH: process.env.PATH,
          HOME: cwd,
          npm_config_cache: join(cwd, ".cache"),
          npm_config_fetch_retries: "0"
        }
      }).then(
        ({ stderr, stdout }) => ({ code: 0, text: stdout + stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          text: error.stdout + error.stderr
        })
      )
    )

  it.live(
    "npm installs what is left, with a token that it does not have, and from a lock file that names TLS",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const token = "token-0123456789"
          const server = yield* registry(token)
          const broker = yield* Effect.provide(
            SecretBroker.SecretBroker,
            SecretBroker.fromMap({ npm: Redacted.make(token) })
          )
          const { proxied } = yield* wayOut(
            {
              registry: { hosts: [server.host], minimumAge: 7 * day, packages: ["left", "@scope/*"] },
              secrets: [
                {
                  handle: "npm",
                  hosts: [server.host],
                  as: { _tag: "Header", name: "authorization", prefix: "Bearer " }
                }
              ],
              egress: allow([], server.port)
            },
            { broker }
          )
          const folder = yield* Loopback.folder
          writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", version: "1.0.0" }))
          const installed = yield* npm(folder, proxied, "install", "left", "@scope/right")
          assert.strictEqual(installed.code, 0, installed.text)
          assert.strictEqual(
            JSON.parse(readFileSync(join(folder, "node_modules/left/package.json"), "utf8")).version,
            "1.1.0",
            "the version that is too new should not have been taken"
          )
          assert.isTrue(existsSync(join(folder, "node_modules/@scope/right/index.js")))
          const refused = yield* npm(folder, proxied, "install", "evil")
          assert.notStrictEqual(refused.code, 0, "a package that is not listed should not be installed")
          assert.notStrictEqual((yield* npm(folder, proxied, "install", "left@2.0.0")).code, 0)
          // As it was written without us.
          const lock = readFileSync(join(folder, "package-lock.json"), "utf8").replaceAll(
            "http://origin.test:",
            "https://elsewhere.test:"
          )
          writeFileSync(join(folder, "package-lock.json"), lock)
          const again = yield* npm(folder, proxied, "ci", "--prefer-online")
          assert.strictEqual(again.code, 0, again.text)
          assert.isTrue(server.seen.every(({ headers }) => headers.authorization === `Bearer ${token}`))
          assert.notInclude(installed.text + again.text, token)
        })
      ),
    120_000
  )
})

describe("a lock file", () => {
  const read = (name: string, text: string) => {
    const found = LockFile.parse({ name, text })
    return typeof found === "string"
      ? found
      : [...found].map(([name, versions]) => [name, Object.fromEntries(versions)])
  }

  it("of this repository names what is installed", () => {
    const text = readFileSync(new URL("../../../../pnpm-lock.yaml", import.meta.url), "utf8")
    const lock = LockFile.parse({ name: "pnpm-lock.yaml", text })
    if (typeof lock === "string") throw new Error(lock)
    assert.isAbove(lock.size, 100)
    assert.match(lock.get("effect")?.get("4.1.0") ?? "", /^sha512-/)
    assert.isTrue(lock.has("@effect/vitest"))
  })

  it("of pnpm is read in the ways that it was written over time", () => {
    const entry = "    resolution: {integrity: sha512-a}\n"
    const expected = [
      ["left", { "1.0.0": "sha512-a" }],
      ["@scope/right", { "2.0.0-beta.1": "sha512-a" }]
    ]
    for (const keys of [
      ["left@1.0.0", "'@scope/right@2.0.0-beta.1'"],
      ["/left@1.0.0(peer@1.0.0)", "/@scope/right@2.0.0-beta.1"],
      ["/left/1.0.0_peer@1.0.0", "/@scope/right/2.0.0-beta.1"]
    ]) {
      const text = `lockfileVersion: '9.0'\npackages:\n\n${keys.map((key) => `  ${key}:\n${entry}`).join("\n")}`
      assert.deepStrictEqual(read("pnpm-lock.yaml", text), expected, keys.join())
      assert.deepStrictEqual(read("pnpm-lock.yaml", `---\nlockfileVersion: '9.0'\n---\n${text}`), expected)
    }
  })

  it("of npm is read with what is nested, aliased and hostile", () => {
    const packages = {
      "": { version: "9.9.9" },
      "packages/own": { version: "1.0.0" },
      "node_modules/left": { version: "1.0.0" },
      "node_modules/right/node_modules/left": { version: "2.0.0", integrity: "sha512-b" },
      "node_modules/alias": { name: "@scope/real", version: "1.0.0" },
      "node_modules/__proto__": { version: "1.0.0" },
      "node_modules/odd": "text"
    }
    assert.deepStrictEqual(read("package-lock.json", JSON.stringify({ packages })), [
      ["left", { "1.0.0": "", "2.0.0": "sha512-b" }],
      ["@scope/real", { "1.0.0": "" }],
      ["__proto__", { "1.0.0": "" }]
    ])
  })
})
