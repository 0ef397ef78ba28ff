/** Packs that were made to hang whoever reads them, or to take their memory, and packs by git itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash, randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { deflateSync } from "node:zlib"
import * as GitPlace from "../../src/adapters/GitPlace.ts"
import * as Lab from "../PlaceLab.ts"

const sha1 = (...parts: ReadonlyArray<Uint8Array>) => {
  const hash = createHash("sha1")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** The head of an entry: its type, and its size. */
const head = (type: number, size: number): Buffer<ArrayBuffer> => {
  const bytes = [(type << 4) | (size & 15)]
  for (let left = size >>> 4; left > 0; left >>>= 7) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80
    bytes.push(left & 0x7f)
  }
  return Buffer.from(bytes)
}

const oid = (n: number) => Buffer.alloc(20, n)

/** Writes a pack with these entries, and its index. */
const pack = (repository: string, entries: ReadonlyArray<readonly [oid: Buffer, bytes: Buffer]>) => {
  const offsets: Array<readonly [Buffer, number]> = []
  const parts: Array<Uint8Array> = [Buffer.from("PACK"), uint32(2), uint32(entries.length)]
  for (const [name, bytes] of entries) {
    offsets.push([name, Buffer.concat(parts).length])
    parts.push(bytes)
  }
  const body = Buffer.concat(parts)
  const sum = sha1(body)
  const sorted = offsets.sort(([a], [b]) => Buffer.compare(a, b))
  const fan = Array.from({ length: 256 }, (_, at) => uint32(sorted.filter(([name]) => (name[0] ?? 0) <= at).length))
  const index = Buffer.concat([
    Buffer.from([0xff, 0x74, 0x4f, 0x63]),
    uint32(2),
    ...fan,
    ...sorted.map(([name]) => name),
    ...sorted.map(() => uint32(0)),
    ...sorted.map(([, at]) => uint32(at)),
    sum
  ])
  const folder = join(repository, ".git/objects/pack")
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "pack-evil.pack"), Buffer.concat([body, sum]))
  writeFileSync(join(folder, "pack-evil.idx"), Buffer.concat([index, sha1(index)]))
}

const open = (repository: string) => GitPlace.open({ repository, trust: "house" })

const delta = deflateSync(Buffer.from([0, 0]))

describe("a pack", () => {
  const hostile = (
    title: string,
    entries: ReadonlyArray<readonly [oid: Buffer, bytes: Buffer]>,
    reason: "Corrupt" | "TooLarge" = "Corrupt"
  ) =>
    it.live(`${title} is refused`, () =>
      Effect.gen(function* () {
        const { path } = yield* Lab.repository({ a: "1" })
        pack(path, entries)
        writeFileSync(join(path, ".git/refs/heads/main"), oid(7).toString("hex"))
        assert.strictEqual((yield* Effect.flip(open(path))).reason, reason)
      }).pipe(Effect.scoped)
    )

  hostile("with a delta of itself, by its place,", [[oid(7), Buffer.concat([head(6, 2), Buffer.from([0]), delta])]])
  hostile("with a delta of itself, by its name,", [[oid(7), Buffer.concat([head(7, 2), oid(7), delta])]])
  hostile("with two deltas of each other", [
    [oid(7), Buffer.concat([head(7, 2), oid(8), delta])],
    [oid(8), Buffer.concat([head(7, 2), oid(7), delta])]
  ])
  hostile("with a delta of what is not in it", [[oid(7), Buffer.concat([head(7, 2), oid(9), delta])]])
  hostile("with a delta of what is before it", [
    [oid(7), Buffer.concat([head(6, 2), Buffer.from([0xff, 0x7f]), delta])]
  ])
  hostile("with a size that is not true", [[oid(7), Buffer.concat([head(1, 3), deflateSync(Buffer.alloc(5_000_000))])]])
  hostile(
    "with a size that is too large",
    [[oid(7), Buffer.concat([head(3, GitPlace.maxObjectBytes + 1), deflateSync(Buffer.from("x"))])]],
    "TooLarge"
  )
  // A delta of a few bytes that copies its base a thousand times.
  const base = Buffer.alloc(0x10000)
  const copies = Buffer.concat([
    Buffer.from([0x80, 0x80, 0x04, 0x80, 0x80, 0x80, 0x80, 0x04]),
    ...Array.from({ length: 2_000 }, () => Buffer.from([0x80]))
  ])
  const first = Buffer.concat([head(3, base.length), deflateSync(base)])
  const second = Buffer.concat([head(7, copies.length), oid(8), deflateSync(copies)])
  hostile(
    "with a delta that is a bomb",
    [
      [oid(8), first],
      [oid(7), second]
    ],
    "TooLarge"
  )
  hostile("with another object under the name", [
    [oid(7), Buffer.concat([head(1, 4), deflateSync(Buffer.from("tree"))])]
  ])

  it.live("by git is read, with long chains of deltas of both kinds", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository({ a: "1" })
      const lines = Array.from({ length: 400 }, () => randomBytes(20).toString("hex"))
      for (let at = 0; at < 24; at++) {
        lines[at * 3] = `changed ${at}`
        Lab.write(path, { "skills/deep/long.txt": lines.join("\n"), [`skills/s${at}/SKILL.md`]: `${at}` })
        Lab.commit(path)
      }
      const check = Effect.gen(function* () {
        for (const back of [0, 1, 12, 23]) {
          const ref = Lab.git(path, "rev-parse", `HEAD~${back}`)
          const place = yield* GitPlace.open({ repository: path, ref, trust: "house" })
          const { bytes } = yield* place.read("skills/deep/long.txt", 1_000_000)
          assert.strictEqual(
            Buffer.from(bytes).toString().trim(),
            Lab.git(path, "show", `${ref}:skills/deep/long.txt`),
            `${back} back`
          )
        }
      })
      for (const offsets of ["true", "false"]) {
        Lab.git(path, "-c", `repack.usedeltabaseoffset=${offsets}`, "repack", "-a", "-d", "-f", "-q", "--depth=50")
        const folder = join(path, ".git/objects/pack")
        assert.lengthOf(
          readdirSync(folder).filter((name) => name.endsWith(".pack")),
          1
        )
        yield* check
      }
      // What is packed again while it is open is found again.
      const place = yield* open(path)
      yield* place.list()
      Lab.write(path, { "more.txt": "x" })
      Lab.commit(path)
      Lab.git(path, "repack", "-a", "-d", "-f", "-q", "--depth=1")
      assert.lengthOf(yield* place.list("skills"), 25)
      rmSync(join(path, ".git/objects/pack"), { recursive: true })
    }).pipe(Effect.scoped)
  )
})
