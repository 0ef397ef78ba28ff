import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Addresses from "../../src/internal/Addresses.ts"
import * as Domains from "../../src/internal/Domains.ts"
import * as Outbound from "../../src/Outbound.ts"
import type { Egress } from "../../src/SandboxSpec.ts"

const isNamed = (entry: string, host: string, port: number) => {
  const domain = Domains.parse(entry)
  const name = Domains.canonical(host)
  if (typeof domain === "string") return domain
  return name === undefined ? "no host" : Domains.isNamed(domain, { host: name, port })
}

describe("a host in its one form", () => {
  const forms: Record<string, string | undefined> = {
    "Example.COM": "example.com",
    "example.com.": "example.com",
    "bücher.example": "xn--bcher-kva.example",
    "ＥＸＡＭＰＬＥ.com": "example.com",
    "127.0.0.1": "127.0.0.1",
    "127.1": "127.0.0.1",
    "0x7f.0.0.1": "127.0.0.1",
    "0177.0.0.01": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "[::1]": "::1",
    "::1": "::1",
    "0:0:0:0:0:0:0:1": "::1",
    "::ffff:127.0.0.1": "127.0.0.1",
    "[::FFFF:7F00:1]": "127.0.0.1",
    "a_b.example": "a_b.example",
    "": undefined,
    ".": undefined,
    "a..b": undefined,
    "example.com..": undefined,
    "a b": undefined,
    "a/b": undefined,
    "a@b": undefined,
    "a\\b": undefined,
    "a\tb": undefined,
    "a%2eb": undefined,
    "a#b": undefined,
    "1.2.3.4.5": undefined,
    "256.256.256.256": undefined,
    "fe80::1%eth0": undefined,
    "[::1": undefined,
    "a:1": undefined,
    "-a.example": undefined,
    [`${"a".repeat(64)}.example`]: undefined,
    [`${"a.".repeat(130)}b`]: undefined
  }
  for (const [text, form] of Object.entries(forms)) {
    it(`${JSON.stringify(text.slice(0, 40))} is ${form ?? "none"}`, () => {
      assert.strictEqual(Domains.canonical(text), form)
    })
  }
})

describe("what an entry names", () => {
  const cases: ReadonlyArray<readonly [entry: string, host: string, port: number, is: boolean]> = [
    ["example.com", "example.com", 443, true],
    ["EXAMPLE.com.", "example.COM", 80, true],
    ["example.com", "example.com", 8080, false],
    ["example.com", "a.example.com", 443, false],
    ["example.com", "example.com.evil.test", 443, false],
    ["example.com", "evilexample.com", 443, false],
    ["example.com:8080", "example.com", 8080, true],
    ["example.com:8080", "example.com", 443, false],
    ["*.example.com", "a.example.com", 443, true],
    ["*.example.com", "a.b.example.com", 443, true],
    ["*.example.com", "example.com", 443, false],
    ["*.example.com", "evilexample.com", 443, false],
    ["*.example.com:22", "a.example.com", 22, true],
    ["bücher.example", "xn--bcher-kva.example", 443, true],
    ["127.0.0.2", "2130706434", 80, true],
    ["0x7f000002", "127.0.0.2", 80, true],
    ["[fd00::1]:8080", "fd00::1", 8080, true],
    ["::ffff:10.0.0.1", "10.0.0.1", 443, true],
    ["host.millwright.internal:8080", "host.millwright.internal", 8080, true],
    ["host.millwright.internal:8080", "host.millwright.internal", 80, false],
    ["*.millwright.internal:8080", "host.millwright.internal", 8080, false],
    ["*.millwright.internal:8080", "other.millwright.internal", 8080, true]
  ]
  for (const [entry, host, port, is] of cases) {
    it(`${entry} ${is ? "names" : "does not name"} ${host}:${port}`, () => {
      assert.strictEqual(isNamed(entry, host, port), is)
    })
  }

  for (const entry of [
    "*",
    "*.",
    "*.com",
    "*.*.com",
    "a.*.com",
    "*a.com",
    "*.127.0.0.1",
    "*.[::1]",
    "a:0",
    "a:65536",
    "a:x",
    "http://a",
    "a/b",
    "a b",
    ".",
    "@"
  ]) {
    it.effect(`${entry} is a bad spec`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const egress: Egress = { _tag: "Allow", domains: ["example.com", entry] }
          const options = { broker: undefined, lockFile: Effect.succeed(undefined) }
          const error = yield* Effect.flip(Outbound.make({ egress }, options))
          assert.strictEqual(error.reason, "BadSpec")
          assert.include(error.message, JSON.stringify(entry))
        })
      )
    )
  }
})

describe("the loopback of the host", () => {
  for (const [entry, instead] of [
    ["localhost", "host.millwright.internal:PORT"],
    ["LocalHost.:3000", "host.millwright.internal:3000"],
    ["app.localhost:3000", "host.millwright.internal:3000"],
    ["127.0.0.1:3000", "host.millwright.internal:3000"],
    ["0x7f.1:3000", "host.millwright.internal:3000"],
    ["[::ffff:127.0.0.1]:3000", "host.millwright.internal:3000"],
    ["[::1]:3000", "host.millwright.internal:3000"],
    ["::1", "host.millwright.internal:PORT"],
    ["host.millwright.internal", "host.millwright.internal:8080"]
  ] as const) {
    it.effect(`${entry} is a bad spec, in each list, that says what to write`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const broker = { get: () => Effect.succeed(Redacted.make("value")) }
          for (const spec of [
            { egress: { _tag: "Allow", domains: [entry] } },
            { secrets: [{ handle: "token", hosts: [entry], as: { _tag: "Header", name: "x-token" } }] },
            { registry: { hosts: [entry] } }
          ] as const) {
            const error = yield* Effect.flip(Outbound.make(spec, { broker, lockFile: Effect.succeed(undefined) }))
            assert.strictEqual(error.reason, "BadSpec")
            assert.include(error.message, JSON.stringify(entry))
            assert.include(error.message, instead)
          }
        })
      )
    )
  }
})

describe("addresses of this machine and of private networks", () => {
  for (const address of [
    "0.0.0.0",
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.0.8",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%lo",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b::1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001::1",
    "nonsense"
  ]) {
    it(`${address} is inner`, () => assert.isTrue(Addresses.isInner(address)))
  }
  for (const address of [
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101"
  ]) {
    it(`${address} is not`, () => assert.isFalse(Addresses.isInner(address)))
  }
})
