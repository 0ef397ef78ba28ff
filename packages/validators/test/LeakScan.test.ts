/** Every place where a scenario was ever found that should not have been, with real git, tar and gzip. */
import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Contract from "@millwright/core/Contract"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as zlib from "node:zlib"
import type * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Holdouts from "../src/Holdouts.ts"
import * as LeakScan from "../src/LeakScan.ts"
import * as Scenario from "../src/Scenario.ts"
import * as Vault from "../src/Vault.ts"
import { held, judging, scenarios, services, subject, vault } from "./vaultFixture.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "leak-scan-")))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

const git = (dir: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", ...args], {
    cwd: dir,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
  }).trim()

const write = (file: string, content: string | Uint8Array) => {
  fs.mkdirSync(dirname(file), { recursive: true })
  fs.writeFileSync(file, content)
}

/** A repository with one commit. */
const repository = (dir: string) => {
  fs.mkdirSync(dir, { recursive: true })
  git(dir, "init", "-q", "-b", "main")
  write(join(dir, "src/basket.ts"), "export const sum = (items) => items.reduce((sum, { price }) => sum + price, 0)\n")
  git(dir, "add", "-A")
  git(dir, "commit", "-qm", "A basket has a sum")
  return dir
}

type Hide = (dir: string, story: string, canary: string) => void

const commitAway = (dir: string, content: string) => {
  write(join(dir, "note.txt"), content)
  git(dir, "add", "-A")
  git(dir, "commit", "-qm", "note")
  git(dir, "reset", "-q", "--hard", "HEAD~1")
}

/** Where a scenario was hidden. Each is given a fresh repository. */
const places: Readonly<Record<string, Hide>> = {
  "a file of the working tree": (dir, story) => write(join(dir, "docs/todo.md"), `# To do\n\n${story}\n`),
  "an ignored file": (dir, story) => {
    write(join(dir, ".gitignore"), "tmp\n")
    write(join(dir, "tmp/x"), story)
  },
  "a stash": (dir, story) => {
    write(join(dir, "src/basket.ts"), story)
    git(dir, "stash", "push", "-q", "-m", "later")
  },
  "a note": (dir, story) => git(dir, "notes", "--ref=memo", "add", "-m", story),
  "a packed ref, its branch gone from the folder of refs": (dir, story) => {
    git(dir, "checkout", "-q", "-b", "side")
    write(join(dir, "n.txt"), story)
    git(dir, "add", "-A")
    git(dir, "commit", "-qm", "n")
    git(dir, "checkout", "-q", "main")
    git(dir, "pack-refs", "--all")
    git(dir, "gc", "-q")
  },
  "a commit that no ref names any more": commitAway,
  "one that not even a log names, in a pack": (dir, story) => {
    commitAway(dir, story)
    git(dir, "repack", "-adkq")
    git(dir, "reflog", "expire", "--expire=now", "--all")
  },
  "the message of a commit": (dir, story) => git(dir, "commit", "-q", "--allow-empty", "-m", `fix\n\n${story}`),
  "an annotated tag": (dir, story) => git(dir, "tag", "-a", "v1", "-m", story),
  "the name of a branch": (dir, story) => git(dir, "branch", story.replaceAll(/[^a-z]+/gi, "-")),
  "the configuration of the repository": (dir, story) => git(dir, "config", "branch.main.description", story),
  "a submodule": (dir, story) => {
    const inner = repository(`${dir}-inner`)
    write(join(inner, "notes.txt"), story)
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "notes")
    git(dir, "submodule", "add", "-q", inner, "vendor/inner")
    git(dir, "commit", "-qm", "a submodule")
    fs.rmSync(inner, { recursive: true })
  },
  "the objects of a submodule, its working tree and pointer gone": (dir, story) => {
    places["a submodule"]?.(dir, story, "")
    git(dir, "rm", "-qrf", "vendor/inner")
    git(dir, "commit", "-qm", "no submodule")
  },
  "a tarball": (dir, story) => {
    write(join(dir, "t/a/b.txt"), story)
    execFileSync("tar", ["-czf", "assets.tgz", "t"], { cwd: dir })
    fs.rmSync(join(dir, "t"), { recursive: true })
  },
  "a tarball that was committed and taken out": (dir, story) => {
    places["a tarball"]?.(dir, story, "")
    git(dir, "add", "-A")
    git(dir, "commit", "-qm", "assets")
    git(dir, "rm", "-q", "assets.tgz")
    git(dir, "commit", "-qm", "no assets")
  },
  "a ZIP archive": (dir, story) => {
    const name = Buffer.from("a.txt")
    const packed = zlib.deflateRawSync(story)
    const head = Buffer.alloc(30)
    head.write("PK\u0003\u0004", "latin1")
    head.writeUInt16LE(8, 8)
    head.writeUInt32LE(packed.length, 18)
    head.writeUInt32LE(story.length, 22)
    head.writeUInt16LE(name.length, 26)
    write(join(dir, "a.zip"), Buffer.concat([head, name, packed]))
  },
  "a test's snapshot": (dir, story) =>
    write(
      join(dir, "test/__snapshots__/basket.test.ts.snap"),
      `exports[\`shows 1\`] = \`\n${story
        .split(" ")
        .map((word, at) => `  ${at}: "${word}",`)
        .join("\n")}\n\`;\n`
    ),
  "a memory file, as JSON": (dir, story) =>
    write(join(dir, ".agent/memory.json"), JSON.stringify({ lessons: [JSON.stringify({ text: `a\n${story}` })] })),
  base64: (dir, story) => write(join(dir, "x.env"), `BLOB=${Buffer.from(story).toString("base64")}\n`),
  "base64 in lines, inside of a path": (dir, story) =>
    write(
      join(dir, "x.pem"),
      `cache/${Buffer.from(story)
        .toString("base64")
        .match(/.{1,64}/g)
        ?.join("\n")}\n`
    ),
  "base64 of gzip": (dir, story) => write(join(dir, "x.txt"), `"${zlib.gzipSync(story).toString("base64")}"`),
  hexadecimal: (dir, story) => write(join(dir, "x.txt"), Buffer.from(story).toString("hex")),
  "per cent": (dir, story) => write(join(dir, "x.txt"), `https://localhost/?q=${encodeURIComponent(story)}`),
  "UTF-16": (dir, story) => write(join(dir, "x.txt"), Buffer.from(`\ufeff${story}`, "utf16le")),
  "other letters, quotes and line ends": (dir, story) =>
    write(
      join(dir, "x.ts"),
      story
        .toUpperCase()
        .split(" ")
        .map((word) => ` * ${word}`)
        .join("\r\n")
    ),
  "the target of a link": (dir, story) => fs.symlinkSync(story.slice(0, 200), join(dir, "link")),
  "a diff": (dir, story) =>
    write(
      join(dir, "x.patch"),
      story
        .split(" ")
        .map((word) => `+${word}`)
        .join("\n")
    ),
  "the half of it": (dir, story) => write(join(dir, "x.txt"), story.split(" ").slice(0, 12).join(" ")),
  "its canary alone": (dir, _, canary) => write(join(dir, "x.txt"), `id: ${canary.toUpperCase()}`)
}

const test = (
  name: string,
  body: Effect.Effect<void, unknown, Holdouts.Services | EvidenceStore.EvidenceStore | Scope.Scope>
) => it.live(name, () => Effect.provide(Effect.scoped(body), services), 60_000)

describe("finds a scenario in", () => {
  for (const [place, hide] of Object.entries(places)) {
    test(
      place,
      Effect.gen(function* () {
        const dir = repository(join(yield* folder, "work"))
        const some = yield* scenarios()
        const [first, second] = some
        if (first === undefined || second === undefined) return assert.fail("two were made")
        const visible = [{ _tag: "Folder", path: dir }] as const
        const before = yield* LeakScan.scan({ scenarios: some, visible })
        assert.deepStrictEqual([before.leaks, before.unread], [[], []], "nothing is hidden yet")
        hide(dir, first.story, first.canary)
        const { leaks, unread } = yield* LeakScan.scan({ scenarios: some, visible })
        assert.isNotEmpty(leaks, "it was not found")
        assert.deepStrictEqual([...new Set(leaks.map(({ scenario }) => scenario))], [first.id])
        assert.deepStrictEqual(unread, [])
      })
    )
  }

  test(
    "the repository that a linked working tree belongs to",
    Effect.gen(function* () {
      const root = yield* folder
      const dir = repository(join(root, "work"))
      const some = yield* scenarios()
      const [first] = some
      if (first === undefined) return assert.fail("two were made")
      places["a stash"]?.(dir, first.story, "")
      git(dir, "worktree", "add", "-q", join(root, "linked"))
      const { leaks, unread } = yield* LeakScan.scan({
        scenarios: some,
        visible: [{ _tag: "Folder", path: join(root, "linked") }]
      })
      assert.deepStrictEqual([...new Set(leaks.map(({ scenario }) => scenario))], [first.id])
      assert.deepStrictEqual(unread, [])
    })
  )

  test(
    "a bare repository, a transcript and the journal",
    Effect.gen(function* () {
      const root = yield* folder
      const dir = repository(join(root, "work"))
      const some = yield* scenarios()
      const [first] = some
      if (first === undefined) return assert.fail("two were made")
      places["a note"]?.(dir, first.criteria[0], "")
      git(root, "clone", "-q", "--mirror", dir, "bare.git")
      const found = (visible: LeakScan.Visible) =>
        Effect.map(LeakScan.scan({ scenarios: some, visible: [visible] }), ({ leaks }) => leaks.length > 0)
      assert.isTrue(yield* found({ _tag: "Folder", path: join(root, "bare.git") }))
      const line = JSON.stringify({
        role: "assistant",
        content: [{ type: "text", text: `It says:\n"${first.story}"` }]
      })
      assert.isTrue(yield* found({ _tag: "Text", name: "transcript", content: `{}\n${line}\n` }))
      assert.isFalse(yield* found({ _tag: "Journal" }))
      yield* Journal.record({ _tag: "Commented", item: "issue-7", body: first.story })
      assert.isTrue(yield* found({ _tag: "Journal" }))
      assert.isFalse(yield* found({ _tag: "Journal", run: "another" }))
    })
  )
})

describe("is not deceived by", () => {
  test(
    "what the contract and other known texts say as well, or words that happen to meet",
    Effect.gen(function* () {
      const some = yield* scenarios()
      const [first] = some
      if (first === undefined) return assert.fail("two were made")
      const found = (content: string, known: ReadonlyArray<string> = []) =>
        Effect.map(
          LeakScan.scan({ scenarios: some, known, visible: [{ _tag: "Text", name: "t", content }] }),
          ({ leaks }) => leaks.length
        )
      assert.strictEqual(yield* found(first.story), 1)
      assert.strictEqual(yield* found(first.story, [`As was said: ${first.story}.`]), 0, "it is known")
      assert.strictEqual(yield* found(first.criteria[0], [first.story]), 1, "what is known of it hides no other thing")
      assert.strictEqual(yield* found("puts two candles and one lantern"), 0, "six words of the story")
      assert.strictEqual(yield* found(first.story.split(" ").reverse().join(" ")), 0, "the same words")
      assert.strictEqual(yield* found(first.persona), 0)
    })
  )

  test(
    "what it can not look into: it says so",
    Effect.gen(function* () {
      const root = yield* folder
      const dir = repository(join(root, "work"))
      const some = yield* scenarios()
      const unread = Effect.map(
        LeakScan.scan({ scenarios: some, visible: [{ _tag: "Folder", path: dir }] }),
        ({ unread }) => unread.map(({ why }) => why)
      )
      assert.deepStrictEqual(yield* unread, [])
      write(join(dir, "a.xz"), Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]))
      assert.deepStrictEqual(yield* unread, ["packed as xz"])
      write(join(dir, "a.xz"), "")
      write(join(dir, "a.gz"), zlib.gzipSync("whole").subarray(0, 15))
      assert.deepStrictEqual(yield* unread, ["a gzip file that can not be unpacked"])
      write(join(dir, "a.gz"), zlib.gzipSync(Buffer.alloc(200 * 1024 * 1024)))
      assert.deepStrictEqual(yield* unread, ["a gzip file that can not be unpacked"], "a bomb")
      write(join(dir, "a.gz"), "")
      const object = git(dir, "rev-parse", "HEAD:src/basket.ts")
      const file = join(dir, ".git/objects", object.slice(0, 2), object.slice(2))
      fs.chmodSync(file, 0o600)
      fs.writeFileSync(file, "broken")
      assert.include(yield* unread, "git can not read it")
      const gone = yield* LeakScan.scan({ scenarios: some, visible: [{ _tag: "Folder", path: join(root, "gone") }] })
      assert.deepStrictEqual(
        gone.unread.map(({ why }) => why),
        ["the folder can not be read"]
      )
    })
  )

  test(
    "what the repository configures: no program of it runs",
    Effect.gen(function* () {
      const root = yield* folder
      const dir = repository(join(root, "work"))
      const ran = join(root, "ran")
      for (const key of ["core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "credential.helper"])
        git(dir, "config", key, `touch ${ran}`)
      git(dir, "config", "alias.cat-file", `!touch ${ran}`)
      yield* LeakScan.scan({ scenarios: yield* scenarios(), visible: [{ _tag: "Folder", path: dir }] })
      assert.isFalse(fs.existsSync(ran), "a program that the repository names was run")
    })
  )
})

describe("a run in which a scenario leaked", () => {
  const run = (id: string) =>
    Effect.updateService(Journal.Origin, (origin) => ({ ...origin, line: "L", run: id, item: "issue-7" }))

  test(
    "is void, also when the scenario is gone again; the scenario is burnt, and the others go on in the next run",
    Effect.gen(function* () {
      const dir = repository(join(yield* folder, "work"))
      const opened = yield* vault()
      const [first] = Vault.scenarios(opened)
      let tried: ReadonlyArray<string> = []
      const judge = judging((trial) => {
        tried = [...tried, trial.scenario.id]
        return held(trial)
      })
      const look = Effect.map(
        Holdouts.look(
          { vault: opened, judge, budget: { bits: 100 }, seed: 1, visible: [{ _tag: "Folder", path: dir }] },
          subject
        ),
        ({ glimpse }) => glimpse._tag
      )
      write(join(dir, "leak.md"), first.story)
      assert.strictEqual(yield* look.pipe(run("one")), "Void")
      fs.rmSync(join(dir, "leak.md"))
      assert.strictEqual(yield* look.pipe(run("one")), "Void", "taking it out again does not help")
      assert.deepStrictEqual(tried, [], "nothing was tried")
      assert.strictEqual(yield* look.pipe(run("two")), "Seen")
      assert.deepStrictEqual(
        tried,
        opened.label.scenarios.filter((id) => id !== first.id),
        "what is burnt is not tried any more"
      )
      const { burnt, looks } = yield* Holdouts.ledger
      assert.deepStrictEqual([...burnt], [first.id])
      assert.deepStrictEqual([...looks], [["shop", 1]])
      const parts = Vault.burn(opened, burnt).map(({ part }) => part)
      assert.deepStrictEqual(parts, ["burnt", "holdout"])
    })
  )

  test(
    "is not judged where it can not be made sure, and the contract is no leak",
    Effect.gen(function* () {
      const dir = repository(join(yield* folder, "work"))
      const opened = yield* vault()
      const [first] = Vault.scenarios(opened)
      const visible = [{ _tag: "Folder", path: dir }] as const
      const options = { vault: opened, judge: judging(held), budget: { bits: 100 }, seed: 1, visible }
      const told = { ...subject, contract: Contract.freeze("issue-7", [{ statement: first.story }]) }
      write(join(dir, "contract.md"), first.story)
      assert.strictEqual((yield* Holdouts.look(options, told)).glimpse._tag, "Seen")
      write(join(dir, "a.xz"), Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]))
      assert.strictEqual((yield* Holdouts.look(options, told)).glimpse._tag, "Unsure")
    })
  )
})

describe("Vault.save and load", () => {
  test(
    "refuse a place that workers can see, links followed, and make a file for its owner alone",
    Effect.gen(function* () {
      const root = yield* folder
      const dir = repository(join(root, "work"))
      const key = yield* Vault.newKey
      const options = { name: "shop", scenarios: yield* scenarios(), key }
      fs.mkdirSync(join(dir, "..x"))
      fs.symlinkSync(join(dir, "src"), join(root, "elsewhere"))
      for (const file of [
        join(dir, "v"),
        join(dir, "src/v"),
        join(root, "elsewhere/v"),
        join(dir, "../work/v"),
        join(dir, "..x/v")
      ]) {
        const error = yield* Effect.flip(Vault.save({ file, visible: [dir] }, options))
        assert.strictEqual(error.reason, "InSight", file)
        assert.isFalse(fs.existsSync(file))
      }
      const place = { file: join(root, "vault"), visible: [dir] }
      const saved = yield* Vault.save(place, options)
      assert.strictEqual(fs.statSync(place.file).mode & 0o777, 0o600)
      assert.strictEqual((yield* Vault.load(place, key)).digest, saved.digest)
      fs.symlinkSync(place.file, join(dir, "link"))
      fs.copyFileSync(place.file, join(dir, "copy"))
      assert.strictEqual(
        (yield* Effect.flip(Vault.load({ file: join(dir, "copy"), visible: [dir] }, key))).reason,
        "InSight"
      )
      const missing = { file: join(root, "none"), visible: [] }
      assert.strictEqual((yield* Effect.flip(Vault.load(missing, key))).reason, "Unavailable")
      assert.deepStrictEqual(fs.readdirSync(root).sort(), ["elsewhere", "vault", "work"], "nothing is left beside it")
      const texts = Vault.scenarios(saved).flatMap(Scenario.texts)
      assert.isFalse(texts.some((text) => fs.readFileSync(place.file, "utf8").includes(text)))
    })
  )
})
