import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Redaction from "../src/Redaction.ts"
import * as Tainted from "../src/Tainted.ts"

// Without brackets: of pieces of the mark itself, any text could be put together again.
const secret = Arbitrary.map(Arbitrary.schema(Schema.String), (text) => `s3cr3t${text.replaceAll(/[[\]]/g, "")}-0xK9`)
const hidden = (...values: ReadonlyArray<string>) => values.map((value) => Redacted.make(value))

const letters = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9".repeat(4)
const tokens: ReadonlyArray<readonly [string, string]> = [
  ["OpenAI", `sk-proj-${letters.slice(0, 40)}`],
  ["Anthropic", `sk-ant-api03-${letters.slice(0, 40)}`],
  ["OpenRouter", `sk-or-v1-${letters.slice(0, 40)}`],
  ["Stripe", `sk_live_${letters.slice(0, 24)}`],
  ["GitHub", `ghp_${letters.slice(0, 36)}`],
  ["GitHub app", `ghs_${letters.slice(0, 40)}`],
  ["GitHub, fine grained", `github_pat_${letters.slice(0, 60)}`],
  ["GitLab", `glpat-${letters.slice(0, 20)}`],
  ["AWS", "AKIAIOSFODNN7EXAMPLE"],
  ["AWS, temporary", "ASIAIOSFODNN7EXAMPLE"],
  ["Google", `AIza${letters.slice(0, 35)}`],
  ["Slack", `xoxb-${letters.slice(0, 30)}`],
  ["npm", `npm_${letters.slice(0, 36)}`],
  ["Hugging Face", `hf_${letters.slice(0, 34)}`],
  ["JWT", `eyJ${letters.slice(0, 20)}.eyJ${letters.slice(0, 40)}.${letters.slice(0, 43)}`],
  ["a private key", `-----BEGIN RSA PRIVATE KEY-----\n${letters}\n-----END RSA PRIVATE KEY-----`],
  ["a private key without an end", `-----BEGIN PRIVATE KEY-----\n${letters}`],
  ["a PGP key", `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${letters}\n-----END PGP PRIVATE KEY BLOCK-----`]
]

describe("Redaction.scrub", () => {
  it.prop(
    "leaves no planted secret, wherever and however often it stands",
    [secret, Schema.String, Schema.String],
    ([value, before, after]) => {
      const clean = Redaction.scrub(`${before}${value}${after}${value}${value}`, hidden(value))
      assert.notInclude(clean, value.trim())
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "leaves nothing of two secrets that overlap or contain each other",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 18 }))],
    ([shift]) => {
      const text = "q1w2e3r4t5y6u7i8o9p0a1s2d3f4"
      const [one, other] = [text.slice(0, 10), text.slice(shift, shift + 10)]
      const clean = Redaction.scrub(text, hidden(one, other))
      assert.deepStrictEqual(clean, Redaction.scrub(text, hidden(other, one)), "the order of secrets does not matter")
      for (const from of [0, shift]) {
        const rest = clean.replaceAll(Redaction.mark, "\0")
        for (let at = from; at + 3 <= from + 10; at++)
          assert.notInclude(rest, text.slice(at, at + 3), "three characters of a secret are left")
      }
    }
  )

  it("leaves nothing of a secret that overlaps itself", () => {
    assert.strictEqual(Redaction.scrub("xyxyxyxyxyxy", hidden("xyxyxyxy")), Redaction.mark)
  })

  it("finds a secret as it stands inside JSON, a URL and base64, and without the line break at its end", () => {
    const value = 'p"a\\ss\nwörd/+ =\n'
    for (const spelled of [
      value,
      value.trim(),
      JSON.stringify(value.trim()),
      encodeURIComponent(value.trim()),
      Buffer.from(value.trim()).toString("base64")
    ]) {
      const clean = Redaction.scrub(`before ${spelled} after`, hidden(value))
      assert.include(clean, Redaction.mark, `the spelling ${spelled} is found`)
    }
  })

  it.each(tokens)("takes out a token of %s, wherever it stands", (_, token) => {
    for (const text of [
      token,
      `key=${token}`,
      `"${token}"`,
      JSON.stringify(`a\n${token}`),
      `X_${token}`,
      `${token}.`,
      `(${token})`
    ]) {
      const clean = Redaction.scrub(text)
      assert.notInclude(clean, letters.slice(4, 16), `of ${text} is left ${clean}`)
      assert.notInclude(clean, "IOSFODNN7", `of ${text} is left ${clean}`)
    }
  })

  it("takes out what stands in a header or a URL, and leaves the rest of it", () => {
    assert.strictEqual(
      Redaction.scrub("Authorization: Basic dXNlcjpwYXNzd29yZA=="),
      `Authorization: Basic ${Redaction.mark}`
    )
    assert.strictEqual(
      Redaction.scrub("curl -H 'authorization: bearer abcdefghijklmnop.qrs'"),
      `curl -H 'authorization: bearer ${Redaction.mark}'`
    )
    assert.strictEqual(
      Redaction.scrub("postgres://app:hunter2@db:5432/x"),
      `postgres://app:${Redaction.mark}@db:5432/x`
    )
  })

  it.each([
    "plain text",
    "risk-assessment-of-the-whole-pipeline",
    "http://localhost:3000/a@b",
    "a bearer of news",
    "sk-1",
    "/tasks/sk-",
    "eyJ",
    "-----BEGIN PUBLIC KEY-----\nabc",
    "basic misunderstandings-of-everything"
  ])("leaves %j alone", (text) => {
    assert.strictEqual(Redaction.scrub(text), text)
  })

  it("does not take short values for secrets", () => {
    assert.strictEqual(Redaction.scrub("the admin is admin", hidden("admin", "", "  a  ")), "the admin is admin")
  })

  it("is done within seconds with a megabyte of hostile text", () => {
    for (const piece of ["a.", "-----BEGIN ", "A", "sk-", "eyJa.", "x://", "x://a:", "Authorization: ", "ghp_"]) {
      const started = performance.now()
      Redaction.scrub(piece.repeat(Math.ceil(1_000_000 / piece.length)), hidden("aaaaaaaaaa"))
      assert.isBelow(performance.now() - started, 3_000, `${JSON.stringify(piece)} repeated holds the journal up`)
    }
  })
})

describe("Redaction.scrubJson", () => {
  it.prop(
    "leaves no secret in any text or name of a value, and the value as it is where there is none",
    [Schema.Json, secret],
    ([json, value]) => {
      const planted = { text: `a ${value}`, list: [json, { [`name ${value}`]: value }] }
      assert.notInclude(
        JSON.stringify(Redaction.scrubJson(planted, hidden(value))),
        JSON.stringify(value.trim()).slice(1, -1)
      )
      assert.deepStrictEqual(Redaction.scrubJson(json, []), json)
    }
  )

  it("keeps words of the vocabulary, although they are somebody's password", () => {
    const fact = { _tag: "LineFinished", duration: 1, summary: "duration LineFinished" }
    assert.deepStrictEqual(Redaction.scrubJson(fact, hidden("LineFinished", "duration")), {
      ...fact,
      summary: `${Redaction.mark} ${Redaction.mark}`
    })
  })
})

describe("Redaction.fromEnvironment", () => {
  it("takes the values of names that hold secrets", () => {
    const secrets = Redaction.fromEnvironment({
      OPENAI_API_KEY: "value-of-openai",
      GITHUB_TOKEN: "value-of-github",
      DB_PASSWORD: "value-of-db",
      AWS_SECRET_ACCESS_KEY: "value-of-aws",
      SIGNING_KEY: "value-of-key",
      SHORT_TOKEN: "short",
      PATH: "/usr/bin:/bin",
      TOKENIZERS: "parallelism",
      KEYBOARD: "us-layout",
      HOME: undefined
    })
    assert.sameMembers(secrets.map(Redacted.value), [
      "value-of-openai",
      "value-of-github",
      "value-of-db",
      "value-of-aws",
      "value-of-key"
    ])
    assert.notInclude(String(secrets), "value-of", "the secrets do not show themselves")
  })
})

describe("Redaction.scrubJson on what came from outside", () => {
  it("takes secrets out of a tainted text, which stays tainted", () => {
    const [key = Redacted.make("")] = hidden("s3cr3t-of-the-host")
    const item = { id: "issue-1", body: Tainted.of("the issue", "The key is s3cr3t-of-the-host, is it not?") }
    const { body } = Redaction.scrubJson(item, [key])
    assert.instanceOf(body, Tainted.Tainted, "a scrubbed text came from outside all the same")
    assert.strictEqual(Tainted.reveal(body, "measured"), "The key is [redacted], is it not?")
  })
})
