import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as GitPlace from "../src/adapters/GitPlace.ts"
import * as AgentFile from "../src/AgentFile.ts"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as Lab from "./PlaceLab.ts"
import { agent, implementer, reviewer } from "./AgentFileLab.ts"

describe("AgentFile.find", () => {
  it.effect("finds both kinds, in a folder and in a commit alike, and reports what can not be used", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository({
        ".claude/agents/code-reviewer.md": reviewer,
        ".claude/agents/notes.txt": "x",
        ".claude/agents/README.md": "# Agents",
        ".claude/agents/plain.md": "# An agent",
        ".claude/agents/again.md": { link: "code-reviewer.md" },
        ".claude/agents/out.md": { link: "../../../../../etc/hostname" },
        ".claude/agents/gone.md": { link: "nothing.md" },
        ".claude/agents/self.md": { link: "self.md" },
        ".claude/agents/binary.md": Buffer.from([0xff, 0xfe, 0x00]),
        ".claude/agents/large.md": "x".repeat(1024 * 1024),
        ".claude/agents/script.md": "---js\n1\n---\nx",
        ".claude/agents/loop": { link: "." },
        ".claude/agents/team/deep.md": agent(),
        "agents/implementer/agent.md": implementer,
        "agents/implementer/skills/x/SKILL.md": "x",
        "agents/folder/agent.md/x": "x",
        "agents/code-reviewer/agent.md": "---\n---\nAnother.",
        "src/a.md": agent()
      })
      const places = [
        yield* FolderPlace.open({ folder: path, trust: "house" }),
        yield* GitPlace.open({ repository: path, trust: "house" })
      ]
      for (const place of places) {
        const { files, problems } = yield* AgentFile.find([place])
        assert.deepStrictEqual(
          files.map(({ digest, name }) => [name, digest]),
          [
            ["code-reviewer", Digest.of(reviewer)],
            ["implementer", Digest.of(implementer)]
          ]
        )
        assert.deepStrictEqual(Object.fromEntries(problems.map(({ error, path }) => [path, error.reason])), {
          ".claude/agents/binary.md": "Unreadable",
          ".claude/agents/gone.md": "Unreadable",
          ".claude/agents/large.md": "TooLarge",
          ".claude/agents/loop": "Unreadable",
          ".claude/agents/out.md": "Unreadable",
          ".claude/agents/plain.md": "Malformed",
          ".claude/agents/script.md": "Executable",
          ".claude/agents/self.md": "Unreadable",
          "agents/code-reviewer/agent.md": "Duplicate",
          "agents/folder/agent.md": "Unreadable"
        })
        for (const { error } of problems) assert.include(error.message, "agents/")
        const none = yield* Effect.flip(AgentFile.read(place, ".claude/agents/nobody.md"))
        assert.strictEqual(none.reason, "NotFound")
        for (const out of ["../a.md", "/etc/hostname", ".claude/agents/out.md"]) {
          assert.strictEqual((yield* Effect.flip(AgentFile.read(place, out))).reason, "Unreadable", out)
        }
      }
      const two = yield* AgentFile.find(places)
      assert.lengthOf(two.files, 2, "the first place has a name")
      assert.lengthOf(
        two.problems.filter(({ error }) => error.reason === "Duplicate"),
        4
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("looks at no more than it may, and where it is told to", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ "prompts/a.md": agent() })
      for (let n = 0; n < 600; n++) writeFileSync(join(folder, "prompts", `f${n}.txt`), "")
      const place = yield* FolderPlace.open({ folder, trust: "outside" })
      assert.deepStrictEqual(yield* AgentFile.find([place]), { files: [], problems: [] })
      const { files, problems } = yield* AgentFile.find([place], { roots: ["prompts", "nowhere"] })
      assert.deepStrictEqual(
        files.map(({ name, trust }) => [name, trust]),
        [["a", "outside"]]
      )
      assert.deepStrictEqual(
        problems.map(({ error }) => error.reason),
        ["TooLarge"]
      )
      assert.match(problems[0]?.error.message ?? "", /more than 500 names/)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
