import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Re2Script from "../src/internal/Re2Script.ts"
import * as Re2Syntax from "../src/internal/Re2Syntax.ts"
import * as SecretRules from "../src/SecretRules.ts"
import * as SecretScan from "../src/SecretScan.ts"
import * as SecretSamples from "./SecretSamples.ts"

const rules = Effect.runSync(SecretRules.usual)
const scan = SecretScan.make(rules)
const own = (toml: string, options?: SecretScan.Options) =>
  SecretScan.make(Effect.runSync(SecretRules.parse(toml)), options)
const found = (text: string, path = "a.txt", by = scan) => by.scan({ path, text }).findings
const names = (text: string, path?: string, by?: SecretScan.SecretScan) => found(text, path, by).map(({ rule }) => rule)

const drawn = (
  length: number,
  seed: number,
  alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
) => {
  const next = SecretSamples.random(seed)
  return Array.from({ length }, () => alphabet.charAt(Math.floor(next() * alphabet.length))).join("")
}
const token = `ghp_${drawn(36, 1)}`

describe("expressions of RE2", () => {
  it.each([
    ["(?i)ab", "xAb", true],
    ["a(?i)b", "aB", true],
    ["a(?i)b", "AB", false],
    ["a(?i:b)c", "aBC", false],
    ["(?i)a(?-i:b)", "AB", false],
    ["^a$", "a\n", false],
    ["(?m)^a$", "b\na\nc", true],
    ["a\\z", "a", true],
    ["\\Aa", "ba", false],
    ["a.b", "a\nb", false],
    ["(?s:a.b)", "a\nb", true],
    ["[[:alnum:]]{3}", "_a1_", false],
    ["[[:^alpha:]]", "a", false],
    ["[\\w.-]+@", "a-b.c@", true],
    ["[]a]", "]", true],
    ["[^]a]", "]", false],
    ["\\x60\\x{61}", "`a", true],
    ["\\Qa.b\\E", "a.b", true],
    ["\\Qa.b\\E", "axb", false],
    ["{\\d{0,2}}", "{12}", true],
    ["a{,2}", "a{,2}", true],
    ["(?P<name>a)(?:b|c)", "ac", true],
    ["\\s", "\u00a0", false],
    ["(?U)a+?", "aa", true],
    ["é", "é", true]
  ] as const)("%s in %j: %s", (source, text, wanted) => {
    assert.strictEqual(new RegExp(Re2Script.emit(Re2Syntax.parse(source))).test(text), wanted)
  })

  it.each([
    "(a",
    "a)",
    "[a",
    "*a",
    "a**",
    "(?=a)",
    "(?<!a)",
    "\\1",
    "\\pL",
    "[b-a]",
    "[[:nope:]]",
    "a{3,2}",
    "\\x{10ffff}"
  ])("%s is refused", (source) => {
    assert.throws(() => Re2Syntax.parse(source), Re2Syntax.SyntaxProblem)
  })

  it("repetitions without an end within each other are told from those that read a text in one way", () => {
    for (const source of ["(a+)+", "(?:a*b?)*", "(?:[a-z]+){2,}", "((a|b)+c?)+"]) {
      assert.isTrue(Re2Script.isNested(Re2Syntax.parse(source)), source)
    }
    for (const source of ["(?:\\.\\w+)+", "a+b+", "(?:a{1,9})+"]) {
      assert.isFalse(Re2Script.isNested(Re2Syntax.parse(source)), source)
    }
  })
})

describe("the rules", () => {
  it("are all of gitleaks', each with a way to look for it", () => {
    assert.strictEqual(rules.rules.length, 222)
  })

  it.effect("names what can not be used, and leaves nothing out in silence", () =>
    Effect.gen(function* () {
      const bad = yield* Effect.flip(
        SecretRules.parse(
          `[[rules]]\nid = "one"\nregex = '''(a'''\n[[rules]]\nid = "two"\nregex = '''(a+)+'''\n[[rules]]\nid = "three"\n[[rules]]\nid = "three"\npath = "x"`
        )
      )
      assert.strictEqual(bad.reason, "BadRule")
      for (const name of ["one", "two", "three: has neither", "three: there are two"]) assert.include(bad.message, name)
      for (const text of ["[[rules", "rules = 3", "[[rules]]\nregex = 'a'"]) {
        assert.strictEqual((yield* Effect.flip(SecretRules.parse(text))).reason, "NotRules", text)
      }
    })
  )

  it("of a house stand beside the usual ones, or alone, and may replace or disable them", () => {
    const mine = `[[rules]]\nid = "mine"\nregex = '''mill_[0-9a-f]{12}'''\nkeywords = ["MILL_"]\n`
    const text = `mill_7c3fe90b24d1 ${token}`
    assert.deepStrictEqual(names(text, "a.txt", own(mine)), ["mine"])
    assert.deepStrictEqual(names(text, "a.txt", own(`${mine}[extend]\nuseDefault = true`)), ["mine", "github-pat"])
    const without = own(`${mine}[extend]\nuseDefault = true\ndisabledRules = ["github-pat"]`)
    assert.deepStrictEqual(names(text, "a.txt", without), ["mine"])
  })

  it("hold to group, entropy, path, keywords and allowlists as gitleaks does", () => {
    const rule = (more: string) => own(`[[rules]]\nid = "r"\nregex = '''(k)=(\\w{6,})'''\n${more}`)
    const one = (more: string, text = "k=abcdef", path = "a.txt") => names(text, path, rule(more)).length
    assert.strictEqual(one(""), 1, "without conditions")
    assert.strictEqual(one("secretGroup = 2\nentropy = 2.5"), 1, "the entropy of the second group is 2.58")
    assert.strictEqual(one("secretGroup = 2\nentropy = 2.6"), 0, "and not more")
    assert.strictEqual(one("path = '''\\.env$'''"), 0, "at another path")
    assert.strictEqual(one("path = '''\\.env$'''", "k=abcdef", "x/.env"), 1, "at its path")
    assert.strictEqual(one(`keywords = ["other"]`), 0, "without a keyword")
    assert.strictEqual(one(`keywords = ["other"]`, "OTHER k=abcdef"), 1, "a keyword anywhere, whatever its case")
    const list = (more: string) => `secretGroup = 2\n[[rules.allowlists]]\n${more}`
    assert.strictEqual(one(list(`stopwords = ["BCD"]`)), 0, "a stopword")
    assert.strictEqual(one(list(`regexes = ['''^k=''']`)), 1, "of the secret")
    assert.strictEqual(one(list(`regexTarget = "match"\nregexes = ['''^k=''']`)), 0, "of the match")
    assert.strictEqual(one(list(`regexTarget = "line"\nregexes = ['''^see k''']`), "see k=abcdef\n"), 0, "of the line")
    assert.strictEqual(one(list(`condition = "AND"\npaths = ["b"]\nstopwords = ["bcd"]`)), 1, "both, and one holds")
    assert.strictEqual(one(list(`condition = "AND"\npaths = ["a"]\nstopwords = ["bcd"]`)), 0, "both hold")
  })

  it("find what they were made for, and never tell it", () => {
    // These need more than their own expression says: a keyword elsewhere, an edge of a word, another allowlist.
    const odd = new Set([
      "curl-auth-header",
      "curl-auth-user",
      "facebook-access-token",
      "kubernetes-secret-yaml",
      "sourcegraph-access-token"
    ])
    let [all, same] = [0, 0]
    for (const rule of rules.rules.filter(({ id, regex }) => regex !== undefined && !odd.has(id))) {
      for (let seed = 1; seed <= 6; seed++) {
        const { path, secret, text } = SecretSamples.make(rule, seed * 104_729)
        const findings = found(text, path)
        all++
        if (findings.some((one) => one.rule === rule.id)) same++
        if (secret.length >= 8) assert.notInclude(JSON.stringify(findings), secret, `${rule.id} tells its secret`)
      }
    }
    assert.isAtLeast(same / all, 0.98, `${same} of ${all} are found by their own rule`)
  })
})

describe("the scan", () => {
  it("tells where, and the same fingerprint for the same secret", () => {
    const [one, two, ...rest] = found(`a\n\n  x = "${token}"\n${token}\n`)
    assert.deepStrictEqual([one?.line, two?.line, rest], [3, 4, []])
    assert.deepInclude(one, { rule: "github-pat", path: "a.txt", masked: "ghp…", encodings: [] })
    assert.strictEqual(one?.fingerprint, two?.fingerprint)
    assert.notStrictEqual(one?.fingerprint, found(`ghp_${drawn(36, 2)}`)[0]?.fingerprint)
  })

  it("reads what is written in base64, hexadecimal and percent signs, also within each other", () => {
    const base64 = Buffer.from(`token: ${token}`).toString("base64")
    for (const [text, encodings] of [
      [base64, ["base64"]],
      [Buffer.from(token).toString("hex"), ["hex"]],
      [`https://x.example/?a=${token.replace("_", "%5f")}`, ["percent"]],
      [Buffer.from(`see ${base64} there`).toString("base64"), ["base64", "base64"]]
    ] as const) {
      const [one, ...rest] = found(`\nx = "${text}"`)
      assert.deepInclude(one, { rule: "github-pat", line: 2, encodings: [...encodings] }, encodings.join())
      assert.deepStrictEqual(rest, [])
      assert.notInclude(JSON.stringify(one), text)
    }
  })

  it("finds secrets in paths, and masks them wherever the path is told", () => {
    const path = `keys/${token}.txt`
    const [one, ...rest] = found("nothing here", path)
    assert.deepInclude(one, { rule: "github-pat", line: null, path: "keys/ghp….txt" })
    assert.deepStrictEqual(rest, [])
    assert.deepInclude(found("", "certs/a.p12")[0], { rule: "pkcs12-file", line: null })
  })

  it("takes `gitleaks:allow` for a comment only when it is told to", () => {
    const text = `${token} # gitleaks:allow\n`
    assert.deepStrictEqual(names(text), ["github-pat"])
    const lenient = SecretScan.make(rules, { allowComments: true })
    assert.deepStrictEqual(lenient.scan({ path: "a", text }), { findings: [], allowedByComment: 1 })
    assert.deepStrictEqual(names(`# gitleaks:allow\n${token}`, "a", lenient), ["github-pat"], "of its own line alone")
  })

  it("takes placeholders, names and code for none, and what is beside them for one", () => {
    const secret = drawn(32, 5)
    for (const [text, path] of [
      ["const MOCK = 'glpat-mock-token-instance-1'", "a.js"],
      ["API_KEY: sk-1234567890abcdef", "a.md"],
      ["  Organization.APIKeys = api_keys_1.APIKeys;", "a.js"],
      ["Release GPG key: 9554F04D7259F04124DE6B476D5A82AC7E37093B", "README.md"],
      [`Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==`, "a.txt"],
      [`"result_key": "Ipv6CidrAssociations"`, "a.json"],
      [
        "`-----BEGIN PGP PRIVATE KEY BLOCK-----\n...\n".padEnd(120, "x") + "-----END PGP PRIVATE KEY BLOCK-----`",
        "a.md"
      ]
    ] as const) {
      assert.deepStrictEqual(names(text, path), [], text)
    }
    assert.deepStrictEqual(names(`api_key = "${secret}"`, "a.js"), ["generic-api-key"])
    assert.deepStrictEqual(names(`API_KEY=${secret}`, ".env"), ["generic-api-key"])
    assert.deepStrictEqual(names("kind: Secret\nmetadata:\n  name: x\ndata:\n  pw: c3VwZXJzZWNyZXQ=\n", "a.yaml"), [
      "kubernetes-secret-yaml"
    ])
    assert.deepStrictEqual(names(`curl -u admin:${drawn(12, 3)} https://x.example`), ["curl-auth-user"])
    assert.deepStrictEqual(
      names(`-----BEGIN RSA PRIVATE KEY-----\n${drawn(64, 4)}\n${drawn(64, 6)}\n-----END RSA PRIVATE KEY-----`),
      ["private-key"]
    )
  })

  it("comes to an end with what was made to keep it busy", () => {
    const of = (text: string, size: number) => text.repeat(Math.ceil(size / text.length))
    const busy = rules.rules.flatMap((rule) => {
      if (rule.regex === undefined) return []
      const { path, text } = SecretSamples.make(rule, 5)
      return [
        { path, text: of(text.slice(0, -1), 20_000) },
        { path, text: of(text.slice(0, text.length / 2 + 1), 20_000) }
      ]
    })
    const known = [
      of("a", 10_000_000),
      of("curl ", 200_000),
      of("curl\r", 200_000),
      of("eyJ", 300_000),
      of("%41", 300_000)
    ]
    const shown = [of("-----BEGIN PRIVATE KEY", 200_000), of("key = ", 300_000), of("'\"", 300_000), of("\0", 300_000)]
    for (const source of [...busy, ...[...known, ...shown].map((text) => ({ path: "a.yaml", text }))]) scan.scan(source)
    assert.deepStrictEqual(names(`${of("a", 10_000_000)} ${token}`), ["github-pat"], "behind 10 MB of one line")
  })

  it("of nothing finds nothing, and says the same twice", () => {
    assert.deepStrictEqual(found(""), [])
    assert.deepStrictEqual(found("", ""), [])
    assert.deepStrictEqual(found(`x ${token}`), found(`x ${token}`))
    assert.deepStrictEqual(names(`\u0130\u{1f600} ${token}`), ["github-pat"], "beside signs of more than one unit")
  })
})
