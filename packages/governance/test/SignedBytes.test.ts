import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash, generateKeyPairSync, sign } from "node:crypto"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as CommitText from "../src/internal/CommitText.ts"
import * as SshKey from "../src/internal/SshKey.ts"
import * as SshSignature from "../src/internal/SshSignature.ts"
import * as SshWire from "../src/internal/SshWire.ts"
import * as Provenance from "../src/Provenance.ts"
import type * as Roster from "../src/Roster.ts"
import {
  bytesOf,
  commitAs,
  git,
  makeKey,
  publicKey,
  repository,
  sshKeygen,
  temporary,
  test,
  write
} from "./SignedRepository.ts"

const idOf = (bytes: Uint8Array): string =>
  createHash("sha1").update(`commit ${bytes.length}\0`).update(bytes).digest("hex")

/** Numbers below 2^32 that are the same in each run. */
const numbers = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed
}

describe("the bytes of a signed commit", () => {
  test("whatever is changed, taken out or put in, it is no human's any more", () =>
    Effect.gen(function* () {
      const { ada, dir, grace, roster } = yield* repository
      write(dir, "a", "a")
      const message = "A commit\n\nWith a body, é and a trailer\n\nReviewed-by: nobody"
      const id = commitAs(grace, dir, message)
      const bytes = Buffer.from(bytesOf(dir, id), "latin1")
      const judged = (bytes: Uint8Array) => Provenance.judge({ id: idOf(bytes), bytes }, roster).standing
      assert.strictEqual(judged(bytes)._tag, "HumanSigned", "as it is, it is hers")
      const payload = CommitText.parse(bytes)?.payload ?? new Uint8Array()
      const holds = (mutant: Buffer, how: string) => {
        const standing = judged(mutant)
        if (standing._tag !== "HumanSigned") return
        // Where only the armor was laid out in other lines, all that was signed is still the same.
        const same = CommitText.parse(mutant)
        assert.deepStrictEqual(Buffer.from(same?.payload ?? []), Buffer.from(payload), `${how} passes as human`)
        const lines = (text: Buffer) => text.toString("latin1").replaceAll(/\s+/g, "")
        assert.strictEqual(lines(mutant), lines(bytes), `${how} changes the signature and passes`)
      }
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const mutant = Buffer.from(bytes)
          mutant.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
          holds(mutant, `bit ${bit} of byte ${at} turned`)
        }
        holds(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]), `byte ${at} taken out`)
        for (const put of ["\n", " ", "\0", "A", "\n\n", "\r\n"]) {
          holds(
            Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at)]),
            `${JSON.stringify(put)} put at ${at}`
          )
        }
      }
      const next = numbers(7)
      for (let round = 0; round < 500; round++) {
        const [from, to, at] = [next(), next(), next()].map((number) => number % bytes.length)
        const piece = bytes.subarray(Math.min(from ?? 0, to ?? 0), Math.max(from ?? 0, to ?? 0))
        holds(
          Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]),
          `round ${round}: a piece of itself put in`
        )
      }
      const text = bytes.toString("latin1")
      for (const [what, mutant] of [
        ["message", text.replace("A commit", "B commit")],
        ["tree", text.replace(/^tree .*/, `tree ${git(dir, "rev-parse", "HEAD~1^{tree}")}`)],
        ["parent", text.replace(/^parent .*/m, `parent ${id}`)],
        ["no parent", text.replace(/^parent .*\n/m, "")],
        ["one more parent", text.replace(/^parent .*\n/m, (line) => line + line.replace(/\w{40}/, id))],
        ["author", text.replace(/^author .*>/m, `author ada <${ada.email}>`)],
        ["committer", text.replace(/^committer .*>/m, `committer ada <${ada.email}>`)],
        ["time", text.replace(/^(author .*> )\d+/m, "$11")],
        ["zone", text.replace(/^(committer .*) [+-]\d{4}$/m, "$1 +1200")],
        ["a header more", text.replace("\n\n", "\nencoding latin1\n\n")],
        ["a tag merged", text.replace("\n\n", "\nmergetag object x\n type commit\n\n")]
      ] as const) {
        assert.notStrictEqual(mutant, text, `the test changes the ${what}`)
        const { _tag } = judged(Buffer.from(mutant, "latin1"))
        assert.notStrictEqual(_tag, "HumanSigned", `another ${what}`)
      }
    }))

  test("what is signed here is what ssh-keygen signs, to the letter", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      const key = makeKey(dir, "key")
      const mine = SshSignature.privateKey(readFileSync(key, "utf8"))
      assert.isDefined(mine, "the file of ssh-keygen is read")
      for (const content of ["", "x", "a commit\n", "é".repeat(5_000)]) {
        write(dir, "content", content)
        sshKeygen("-Y", "sign", "-q", "-n", "git", "-f", key, `${dir}/content`)
        const theirs = readFileSync(`${dir}/content.sig`, "utf8")
        assert.strictEqual(
          mine && SshSignature.sign(mine, Buffer.from(content)),
          theirs,
          `${content.length} characters`
        )
        write(dir, "content.sig", "")
        spawnSync("rm", [`${dir}/content.sig`])
      }
      sshKeygen("-q", "-p", "-P", "", "-N", "a passphrase", "-f", key)
      const bad = [
        readFileSync(key, "utf8"),
        readFileSync(`${key}.pub`, "utf8"),
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
      ]
      for (const text of [...bad, readFileSync(makeKey(dir, "ecdsa", "ecdsa"), "utf8")]) {
        assert.isUndefined(SshSignature.privateKey(text), "with a passphrase, public, empty, cut off, of another kind")
      }
    }))

  test("keys in hardware sign too, when somebody touched them, as ssh-keygen sees it", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      for (const kind of ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"] as const) {
        const made = kind.includes("ed25519")
          ? generateKeyPairSync("ed25519")
          : generateKeyPairSync("ec", { namedCurve: "P-256" })
        const { x = "", y = "" } = made.publicKey.export({ format: "jwk" })
        const point = Buffer.from(x, "base64url")
        const key = kind.includes("ed25519")
          ? [kind, point, "ssh:"]
          : [kind, "nistp256", Buffer.concat([Buffer.from([4]), point, Buffer.from(y, "base64url")]), "ssh:"]
        const blob = Buffer.concat(key.map((each) => SshWire.string(each)))
        const signedBy = (flags: number, content: string): string => {
          const hash = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest()
          const digest = createHash("sha512").update(content).digest()
          const inner = Buffer.concat([
            Buffer.from("SSHSIG"),
            ...["git", "", "sha512", digest].map((each) => SshWire.string(each))
          ])
          const rest = Buffer.from([flags, 0, 0, 0, 9])
          const data = Buffer.concat([hash("ssh:"), rest, hash(inner)])
          const raw = kind.includes("ed25519")
            ? sign(null, data, made.privateKey)
            : sign("sha256", data, { key: made.privateKey, dsaEncoding: "ieee-p1363" })
          // A number whose first bit is set would be below zero without a zero before it.
          const number = (bytes: Uint8Array) => {
            const plain = SshWire.natural(bytes)
            return SshWire.string((plain[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), plain]) : plain)
          }
          const inside = kind.includes("ed25519")
            ? raw
            : Buffer.concat([number(raw.subarray(0, 32)), number(raw.subarray(32))])
          const signature = Buffer.concat([SshWire.string(kind), SshWire.string(inside), rest])
          const bytes = Buffer.concat([
            Buffer.from("SSHSIG\0\0\0\x01", "latin1"),
            ...[blob, "git", "", "sha512", signature].map((each) => SshWire.string(each))
          ])
          const lines = bytes.toString("base64").match(/.{1,70}/g) ?? []
          return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n")
        }
        const isGood = (armor: string, content: string): boolean => {
          const read = SshSignature.parse(armor)
          return read !== undefined && SshSignature.verify(read, Buffer.from(content))
        }
        const line = `${kind} ${blob.toString("base64")}`
        const armor = signedBy(1, "content")
        write(dir, "allowed", `ada ${line}\n`)
        write(dir, "armor", armor)
        const theirs = (content: string) =>
          spawnSync(
            "ssh-keygen",
            ["-Y", "verify", "-q", "-f", `${dir}/allowed`, "-I", "ada", "-n", "git", "-s", `${dir}/armor`],
            { input: content }
          ).status
        assert.isTrue(typeof SshKey.parse(line) === "object", `${kind} is a key`)
        assert.deepStrictEqual([isGood(armor, "content"), theirs("content")], [true, 0], `${kind}: both call it good`)
        assert.deepStrictEqual(
          [isGood(armor, "other"), theirs("other")],
          [false, 255],
          `${kind}: both refuse it over other content`
        )
        assert.isFalse(isGood(signedBy(0, "content"), "content"), `${kind}: untouched, it proves nothing`)
      }
    }))

  it("RSA signs with SHA-2 alone, whole, and by its own name", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    const { e = "", n = "" } = publicKey.export({ format: "jwk" })
    const number = (text: string) => Buffer.concat([Buffer.from([0]), Buffer.from(text, "base64url")])
    const blob = Buffer.concat(["ssh-rsa", Buffer.from(e, "base64url"), number(n)].map((each) => SshWire.string(each)))
    const data = Buffer.from("data")
    const isGood = (name: string, bytes: Uint8Array) =>
      SshKey.verify(blob, Buffer.concat([SshWire.string(name), SshWire.string(bytes)]), data)
    assert.isTrue(isGood("rsa-sha2-256", sign("sha256", data, privateKey)), "SHA-256")
    assert.isTrue(isGood("rsa-sha2-512", sign("sha512", data, privateKey)), "SHA-512")
    for (const [name, hash] of [
      ["ssh-rsa", "sha1"],
      ["rsa-sha2-256", "sha1"],
      ["rsa-sha2-512", "sha256"],
      ["ssh-ed25519", "sha256"],
      ["constructor", "sha256"]
    ] as const) {
      assert.isFalse(isGood(name, sign(hash, data, privateKey)), `${name} with ${hash}`)
    }
    assert.isFalse(isGood("rsa-sha2-256", new Uint8Array()), "nothing")
    assert.isFalse(isGood("rsa-sha2-256", new Uint8Array(10_000)), "longer than the key")
  })

  it("nothing that is malformed is read, and nothing throws", () => {
    const armor = (bytes: Uint8Array) =>
      `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(bytes).toString("base64")}\n-----END SSH SIGNATURE-----`
    const magic = Buffer.from("SSHSIG\0\0\0\x01", "latin1")
    const huge = Buffer.from([255, 255, 255, 255])
    for (const bytes of [
      magic,
      Buffer.concat([magic, huge]),
      Buffer.alloc(0),
      Buffer.concat([magic, Buffer.alloc(20), Buffer.from("more")])
    ]) {
      assert.isUndefined(SshSignature.parse(armor(bytes)), "lengths that lie, and bytes left over")
    }
    const empty = SshSignature.parse(armor(Buffer.concat([magic, Buffer.alloc(20)])))
    assert.isFalse(empty !== undefined && SshSignature.verify(empty, new Uint8Array()), "empty everywhere")
  })

  it("a commit that git would read in another way is not read", () => {
    const id = "1".repeat(40)
    const [tree, parent] = [`tree ${id}\n`, `parent ${id}\n`]
    const [author, committer] = ["author a <a> 1 +0000\n", "committer b <b> 2 +0000\n"]
    const read = (text: string) => CommitText.parse(Buffer.from(text))
    const usual = `${tree}${parent}${parent}${author}${committer}encoding UTF-8\n`
    assert.strictEqual(read(`${usual}\nm`)?.parents.length, 2, "as git writes one")
    for (const [what, text] of [
      ["nothing", ""],
      ["no headers", "\n\n"],
      ["only a tree", `${tree}\n`],
      ["no times", `${tree}author a\ncommitter b\n\nm`],
      ["no message", `${tree}${author}${committer}`],
      ["two trees", `${tree}${tree}${author}${committer}\nm`],
      ["two authors", `${tree}${author}${author}${committer}\nm`],
      ["a second author at the end", `${usual}${author}\nm`],
      ["a parent that git does not follow", `${tree}${author}${committer}${parent}\nm`],
      ["a committer before the author", `${tree}${committer}${author}\nm`],
      ["a header before the tree", `x y\n${usual}\nm`],
      ["a tree that goes on", `${tree} ${id}\n${author}${committer}\nm`],
      ["a parent by its name", `${tree}parent main\n${author}${committer}\nm`],
      ["two addresses", `${tree}author a <a> <b> 1 +0000\n${committer}\nm`],
      ["a NUL where git would end the name", `${tree}author a\0 <a> 1 +0000\n${committer}\nm`]
    ] as const) {
      assert.isUndefined(read(text), what)
    }
  })

  it("a commit of megabytes is read like any other", () => {
    const usual = `tree ${"1".repeat(40)}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n`
    const long = `${usual}mergetag x\n${" \n".repeat(5_000_000)}\nm`
    assert.strictEqual(CommitText.parse(Buffer.from(long))?.payload.length, long.length, "a header of many lines")
  })

  test("keys that do not count are refused with what to do", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      const key = publicKey(makeKey(dir, "key"))
      const small = publicKey(makeKey(dir, "small", "rsa", "-b", "1024"))
      const [kind = "", blob = ""] = key.split(" ")
      const cases: ReadonlyArray<readonly [string, RegExp]> = [
        ["", /is not a public key/],
        ["ssh-ed25519", /is not a public key/],
        [`ada@example.org ${key}`, /is not a public key/],
        [`${kind} ${blob.slice(0, -8)}`, /damaged|cut off/],
        [`${kind} ${blob.slice(0, -3)}`, /cut off|damaged/],
        [`ssh-rsa ${blob}`, /says ssh-rsa and is a key of the kind ssh-ed25519/],
        [small, /fewer than 2048 bits/],
        [`cert-authority ${key}`, /certificates are not followed/],
        [`no-touch-required ${key}`, /is not known/],
        [`valid-before="tomorrow" ${key}`, /has the time tomorrow/],
        [`valid-before="20250101" ${key}`, /has the time 20250101/],
        [`valid-before="20250231Z" ${key}`, /has the time 20250231Z/],
        [`namespaces="" ${key}`, /is not known/],
        [`${"a".repeat(100_000)}! ${key}`, /is not a public key/],
        [`${'a="",'.repeat(50_000)} ${key}`, /is not a public key/]
      ]
      for (const [line, said] of cases) {
        const found = SshKey.parse(line)
        assert.match(typeof found === "string" ? found : "it is taken", said, line.slice(0, 60))
      }
      assert.strictEqual(typeof SshKey.parse(`${key} with a comment "quoted"`), "object", "a comment is nothing")
      const member: Roster.Member = { name: "a", kind: "human", logins: [], emails: [], keys: [small] }
      assert.strictEqual(
        Provenance.judge({ id: "", bytes: new Uint8Array() }, { members: [member] }).standing._tag,
        "Unproven",
        "no throw"
      )
    }))
})
