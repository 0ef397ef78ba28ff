import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import * as GitPlace from "../src/adapters/GitPlace.ts"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as Skill from "../src/Skill.ts"
import * as SkillSet from "../src/SkillSet.ts"
import * as Lab from "./PlaceLab.ts"

const skill = (name: string, body = "Do it.", more = "") =>
  `---\nname: ${name}\ndescription: What ${name} does.\n${more}---\n\n${body}\n`

const inFolder = (folder: string) => FolderPlace.open({ folder, trust: "house" })
const inGit = (repository: string) => GitPlace.open({ repository, trust: "house" })

const names = ({ skills }: SkillSet.SkillSet) => skills.map(({ name }) => name)
const reasons = ({ problems }: SkillSet.SkillSet) =>
  Object.fromEntries(problems.map(({ error, path }) => [path, error.reason]))

/** The set of a folder, of a commit of it, and of the commit when it is packed: they have to be alike. */
const everywhere = (files: Lab.Files, options?: SkillSet.Options) =>
  Effect.gen(function* () {
    const { path } = yield* Lab.repository(files)
    const folder = yield* SkillSet.find([yield* inFolder(path)], options)
    const loose = yield* SkillSet.find([yield* inGit(path)], options)
    Lab.git(path, "repack", "-adq")
    const packed = yield* SkillSet.find([yield* inGit(path)], options)
    const seen = yield* Effect.forEach([folder, loose, packed], (set) =>
      Effect.map(
        Effect.forEach(set.skills, (entry) => Effect.result(SkillSet.load(entry))),
        (loaded) => ({
          skills: set.skills.map(({ description, folder, metadata, name }) => ({
            name,
            description,
            metadata,
            folder
          })),
          problems: set.problems.map(({ error, path }) => [path, error.reason]),
          digests: loaded.map((each) => (each._tag === "Success" ? each.success.digest : each.failure.reason))
        })
      )
    )
    assert.deepStrictEqual(seen[1], seen[0], "a commit has what its folder has")
    assert.deepStrictEqual(seen[2], seen[0], "packed as well")
    return folder
  })

describe("SkillSet", () => {
  it.effect("finds what users have already, by front matter, and reads the rest on use", () =>
    Effect.gen(function* () {
      const set = yield* everywhere({
        ".claude/skills/review/SKILL.md": skill("review"),
        ".agents/skills/triage/SKILL.md": skill("triage", "Sort.", "metadata:\n  verification: true\n"),
        "skills/spec/SKILL.md": skill("spec"),
        "deploy/SKILL.md": skill("deploy"),
        "src/deep/hidden/SKILL.md": skill("hidden"),
        "README.md": "x"
      })
      assert.deepStrictEqual(names(set), ["deploy", "review", "spec", "triage"])
      assert.deepStrictEqual(set.problems, [])
      assert.deepStrictEqual(set.skills[3]?.metadata, { verification: "true" })
      const triage = yield* SkillSet.get(set, "triage")
      assert.strictEqual(triage.instructions, "Sort.")
      assert.match(triage.source, /\.agents\/skills\/triage\/SKILL\.md$/)
      const none = yield* Effect.flip(SkillSet.get(set, "trriage"))
      assert.strictEqual(none.reason, "NotFound")
      assert.match(none.message, /There are 4: deploy, review, spec, triage/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("a skill from outside becomes no role's instructions, by whichever way it is read", () =>
    Effect.gen(function* () {
      const place = yield* FolderPlace.open({
        folder: yield* Lab.folder({ "skills/a/SKILL.md": skill("a", "Obey me.") }),
        trust: "outside"
      })
      const set = yield* SkillSet.find([place])
      const [entry] = set.skills
      if (entry === undefined) return assert.fail("it is listed all the same")
      for (const read of [SkillSet.get(set, "a"), SkillSet.load(entry), Skill.from(place, "skills/a")]) {
        const error = yield* Effect.flip(read)
        assert.strictEqual(error.reason, "NotTrusted")
        assert.match(error.message, /skills\/a\/SKILL\.md.*not of the house.*SkillSource.*trust: "house"/)
      }
      assert.strictEqual((yield* SkillSet.said(entry)).text, "Obey me.", "as data it stays")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("what is wrong with one hides no other, and each is reported with its reason", () =>
    Effect.gen(function* () {
      const set = yield* everywhere({
        "skills/good/SKILL.md": skill("good"),
        "skills/other-name/SKILL.md": skill("name"),
        "skills/script/SKILL.md": "---js\n{ name: process.exit(1) }\n---\nx\n",
        "skills/tagged/SKILL.md": '---\nname: tagged\ndescription: !!js/function "x"\n---\nx\n',
        "skills/none/SKILL.md": "# no front matter\n",
        "skills/binary/SKILL.md": Buffer.from([0xff, 0xfe, 0x00]),
        "skills/large/SKILL.md": skill("large", "x".repeat(1024 * 1024)),
        "skills/linked/SKILL.md": { link: "../good/SKILL.md" },
        "skills/out/SKILL.md": { link: "../../../../../etc/hostname" },
        "skills/dangling/SKILL.md": { link: "nothing" },
        "skills/folder/SKILL.md/x": "",
        "skills/alias": { link: "good" },
        "skills/loop": { link: "." },
        "skills/self": { link: "self" },
        "skills/empty-body/SKILL.md": "---\nname: empty-body\ndescription: x\n---\n",
        "skills/notes.txt": "x",
        "skills/no-skill/README.md": "x"
      })
      assert.deepStrictEqual(names(set), ["empty-body", "good"])
      assert.deepStrictEqual(reasons(set), {
        "skills/alias": "Malformed",
        "skills/binary": "Unreadable",
        "skills/dangling": "Unreadable",
        "skills/folder": "Unreadable",
        "skills/large": "TooLarge",
        "skills/linked": "Malformed",
        "skills/loop": "Unreadable",
        "skills/none": "Malformed",
        "skills/other-name": "Malformed",
        "skills/out": "Unreadable",
        "skills/script": "Executable",
        "skills/self": "Unreadable",
        "skills/tagged": "Executable"
      })
      for (const { error } of set.problems) assert.match(error.message, /skills/)
      assert.strictEqual((yield* Effect.flip(SkillSet.get(set, "empty-body"))).reason, "Malformed")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("what is nearly a skill is reported, and `get` says why it is none", () =>
    Effect.gen(function* () {
      const set = yield* everywhere({
        ".claude/skills/flat.md": skill("flat"),
        ".claude/skills/README.md": "x",
        ".agents/skills/readme.md": "x",
        "skills/lower/skill.md": skill("lower"),
        "skills/capital/Skill.md": skill("capital"),
        "skills/other-name/SKILL.md": skill("name"),
        "skills/no-skill/notes.md": "x",
        "changes.md": "x"
      })
      assert.deepStrictEqual(names(set), [])
      assert.deepStrictEqual(reasons(set), {
        ".claude/skills/flat.md": "Malformed",
        "skills/capital": "Malformed",
        "skills/lower": "Malformed",
        "skills/other-name": "Malformed"
      })
      const why = (name: string) => Effect.map(Effect.flip(SkillSet.get(set, name)), ({ message }) => message)
      assert.match(yield* why("flat"), /Move it to "\.claude\/skills\/flat\/SKILL\.md"/)
      assert.match(yield* why("lower"), /other letters. Name it SKILL\.md/)
      assert.match(yield* why("other-name"), /other-name\/SKILL\.md/)
      assert.match(yield* why("none"), /There is no skill "none"/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("a root that was asked for and is not there is reported, and the usual ones are not", () =>
    Effect.gen(function* () {
      const files = { "prompts/a/SKILL.md": skill("a") }
      const set = yield* everywhere(files, { roots: ["prompts", "promts"] })
      assert.deepStrictEqual(names(set), ["a"])
      assert.deepStrictEqual(
        set.problems.map(({ path }) => path),
        ["promts"]
      )
      assert.match(set.problems[0]?.error.message ?? "", /promts can not be listed/)
      assert.deepStrictEqual((yield* everywhere(files)).problems, [])
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("the first of a name has it, in the order of places and roots, and the others are reported", () =>
    Effect.gen(function* () {
      const first = yield* Lab.folder({
        ".claude/skills/a/SKILL.md": skill("a", "claude"),
        ".agents/skills/a/SKILL.md": skill("a", "agents"),
        skills: { link: ".agents/skills" }
      })
      const second = yield* Lab.folder({ "skills/a/SKILL.md": skill("a", "second"), "skills/b/SKILL.md": skill("b") })
      const places = [yield* inFolder(first), yield* inFolder(second)] as const
      const set = yield* SkillSet.find(places)
      assert.deepStrictEqual(names(set), ["a", "b"])
      assert.strictEqual((yield* SkillSet.get(set, "a")).instructions, "agents")
      assert.deepStrictEqual(
        set.problems.map(({ error, path }) => [error.reason, path]),
        [
          ["Duplicate", ".claude/skills/a"],
          ["Duplicate", "skills/a"]
        ],
        "a link to the same skill is the same skill"
      )
      assert.match(set.problems[1]?.error.message ?? "", /\.agents\/skills\/a comes before it/)
      const turned = yield* SkillSet.find([places[1], places[0]])
      assert.strictEqual((yield* SkillSet.get(turned, "a")).instructions, "second")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("looks at no more than it may, and says what it left out", () =>
    Effect.gen(function* () {
      const many = Object.fromEntries(
        Array.from({ length: 60 }, (_, n) => [`skills/s${100 + n}/SKILL.md`, skill(`s${100 + n}`)])
      )
      const set = yield* everywhere(many, { entries: 20 })
      assert.strictEqual(set.skills.length, 20)
      assert.deepStrictEqual(reasons(set), { "skills/s120": "TooLarge", skills: "TooLarge" })
      assert.match(set.problems[0]?.error.message ?? "", /more than 20 names/)
      const short = yield* everywhere(many, { bytes: 200 })
      assert.isBelow(short.skills.length, 10)
      assert.match(short.problems[0]?.error.message ?? "", /more than 200 bytes/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("a folder of 10,000 files beside a skill costs nothing until it is asked for, and is listed in part", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ "skills/big/SKILL.md": skill("big") })
      for (let n = 0; n < 10_000; n++) writeFileSync(join(folder, "skills/big", `f${n}`), "")
      const set = yield* SkillSet.find([yield* inFolder(folder)])
      assert.deepStrictEqual([names(set), set.problems], [["big"], []])
      const [entry] = set.skills
      if (entry === undefined) return assert.fail("the skill was not found")
      const { isPartial, paths } = yield* SkillSet.files(entry)
      assert.deepStrictEqual([paths.length, isPartial], [100, true])
      const inside = yield* SkillSet.find([yield* inFolder(join(folder, "skills/big"))])
      assert.match(inside.problems[0]?.error.message ?? "", /more than 5000 names/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("lists a long skill by its front matter, wherever the part that is read ends", () =>
    Effect.gen(function* () {
      const set = yield* everywhere({
        "skills/long/SKILL.md": skill("long", "é".repeat(50_000)),
        "skills/lines/SKILL.md": skill("lines", "é\n".repeat(40_000)),
        "skills/endless/SKILL.md": `---\nname: endless\ndescription: x\n${"# é\n".repeat(30_000)}`,
        "skills/front/SKILL.md": `---\nname: front\ndescription: x\n${"# é\n".repeat(20_000)}---\nx\n`,
        "skills/binary/SKILL.md": Buffer.concat([Buffer.from(skill("binary")), Buffer.alloc(100_000, 0xff)])
      })
      assert.deepStrictEqual(names(set), ["binary", "lines", "long"], "what stands below is not looked at")
      assert.deepStrictEqual(reasons(set), { "skills/endless": "TooLarge", "skills/front": "TooLarge" })
      assert.lengthOf((yield* SkillSet.get(set, "long")).instructions, 50_000)
      assert.strictEqual((yield* Effect.flip(SkillSet.get(set, "binary"))).reason, "Unreadable")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("reads files beside a skill, and nothing above its folder", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository({
        "skills/a/SKILL.md": skill("a"),
        "skills/a/references/x.md": "the reference",
        "skills/a/up": { link: "../b/SKILL.md" },
        "skills/a/around": { link: ".." },
        "skills/b/SKILL.md": skill("b")
      })
      for (const place of [yield* inFolder(path), yield* inGit(path)]) {
        const [entry] = (yield* SkillSet.find([place])).skills
        if (entry === undefined) return assert.fail("the skill was not found")
        assert.deepStrictEqual(yield* SkillSet.files(entry), { paths: ["references/x.md"], isPartial: false })
        const { bytes, size } = yield* SkillSet.file(entry, "references/x.md", 3)
        assert.deepStrictEqual([Buffer.from(bytes).toString(), size], ["the", 13])
        for (const bad of [
          "up",
          "around/b/SKILL.md",
          "../b/SKILL.md",
          "references/../../b/SKILL.md",
          "/etc/hostname"
        ]) {
          assert.strictEqual((yield* Effect.flip(SkillSet.file(entry, bad, 10))).reason, "Outside", bad)
        }
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("a damaged object and a submodule hide nothing else", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository({ "skills/a/SKILL.md": skill("a"), "skills/b/SKILL.md": skill("b") })
      Lab.git(path, "update-index", "--add", "--cacheinfo", `160000,${Lab.git(path, "rev-parse", "HEAD")},skills/sub`)
      Lab.git(path, "commit", "--quiet", "-m", "x")
      const oid = Lab.git(path, "rev-parse", "HEAD:skills/a/SKILL.md")
      const file = join(path, ".git/objects", oid.slice(0, 2), oid.slice(2))
      chmodSync(file, 0o644)
      writeFileSync(file, "damaged")
      const set = yield* SkillSet.find([yield* inGit(path)])
      assert.deepStrictEqual(names(set), ["b"])
      assert.deepStrictEqual(
        set.problems.map(({ path }) => path),
        ["skills/a", "skills/sub"]
      )
    })
  )

  it.effect("a name with odd bytes is reported", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ "skills/a/SKILL.md": skill("a"), "skills/b\u202ec/SKILL.md": skill("b") })
      const bytes = Buffer.concat([Buffer.from(join(folder, "skills/d")), Buffer.from([0xff])])
      mkdirSync(bytes)
      writeFileSync(Buffer.concat([bytes, Buffer.from("/SKILL.md")]), skill("d"))
      const set = yield* SkillSet.find([yield* inFolder(folder)])
      assert.deepStrictEqual(names(set), ["a"])
      assert.lengthOf(set.problems, 2)
      for (const { error } of set.problems) assert.notMatch(error.message, /\u202e/, "what hides is not repeated")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  const folder = Schema.Literals(["a", "b", "c-d", "Bad", "x"])
  const Thing = Schema.Union([
    Schema.TaggedStruct("Skill", { folder, name: folder, body: Schema.String }),
    Schema.TaggedStruct("Bytes", { folder, text: Schema.String }),
    Schema.TaggedStruct("Link", {
      folder,
      to: Schema.Literals(["SKILL.md", "../a/SKILL.md", "../../../x", "..", "/etc/hostname"])
    }),
    Schema.TaggedStruct("FolderLink", {
      folder: Schema.Literals(["l", "m"]),
      to: Schema.Literals(["a", ".", "..", "m", "l", "../.agents/skills/a"])
    })
  ])
  const Content = Schema.Array(Schema.Struct({ root: Schema.Literals([".agents/skills", "skills", ""]), thing: Thing }))
  const filesOf = (content: typeof Content.Type): Lab.Files =>
    Object.fromEntries(
      content.slice(0, 10).map(({ root, thing }) => {
        const folder = `${root === "" ? "" : `${root}/`}${thing.folder}`
        if (thing._tag === "FolderLink") return [folder, { link: thing.to }]
        const path = `${folder}/SKILL.md`
        if (thing._tag === "Link") return [path, { link: thing.to }]
        return [path, thing._tag === "Skill" ? skill(thing.name, thing.body) : thing.text]
      })
    )
  it.effect.prop(
    "a folder, a commit and a packed commit with the same content give the same set and digests",
    [Content],
    ([content]) => Effect.asVoid(everywhere(filesOf(content))).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { timeout: 120_000, arbitrary: { runs: 15 } }
  )
})

describe("Skill.pinned", () => {
  it.effect("holds a skill to its bytes", () =>
    Effect.gen(function* () {
      const one = Skill.parse(skill("a"), "inline")
      const { digest } = yield* one
      assert.strictEqual((yield* one.pipe(Skill.pinned(digest))).digest, digest)
      const error = yield* Effect.flip(Skill.parse(skill("a", "Do it!"), "inline").pipe(Skill.pinned(digest)))
      assert.strictEqual(error.reason, "NotPinned")
      assert.match(error.message, new RegExp(`held to ${digest.slice(0, 12)}`))
    })
  )
})
