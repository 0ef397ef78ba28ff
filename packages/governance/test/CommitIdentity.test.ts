import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, watch } from "node:fs"
import * as CommitIdentity from "../src/CommitIdentity.ts"
import * as Provenance from "../src/Provenance.ts"
import { bytesOf, git, makeKey, publicKey, repository, sshKeygen, temporary, test, write } from "./SignedRepository.ts"

const agent: CommitIdentity.Agent = { id: "implementer-1", role: "Implement" }

describe("the trailers of an agent", () => {
  const line = Arbitrary.map(
    Arbitrary.schema(Schema.String),
    (text) => [...text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "")].slice(0, 99).join("").trim() || "x"
  )

  it.prop(
    "a message names the agent that it was written for, whatever stands in it",
    [line, line, Schema.String],
    ([role, model, body]) => {
      const agent: CommitIdentity.Agent = { id: "a/b@c.d-e_1", role, model, run: role, skill: Digest.of(body) }
      for (const text of [
        body,
        `${body}\n\nAgent-Id: another\nAgent-Role: Review`,
        `T\r\n\r\nSigned-off-by: ${role}\r\n`
      ]) {
        assert.deepStrictEqual(
          CommitIdentity.parse(CommitIdentity.message(text, agent)),
          Option.some(agent),
          JSON.stringify(text)
        )
      }
    }
  )

  it.prop("any message is read without a throw", [Schema.String], ([text]) => {
    CommitIdentity.parse(text)
    CommitIdentity.parse(`m\n\nAgent-Id: ${text}\nAgent-Role: ${text}`)
  })

  it("take no longer for a line that is made to be tried at each place", () => {
    const spaces = " ".repeat(3_000_000)
    assert.deepStrictEqual(
      CommitIdentity.trailers(`Title\n\nApproves:${spaces}\u2028x\nAgent-Id${spaces}: a`),
      [["approves", "x"]],
      "megabytes of spaces are nothing"
    )
  })

  it("are read in the last paragraph alone, each once and whole", () => {
    const read = (message: string) => Option.getOrNull(CommitIdentity.parse(message))
    const lines = "Agent-Id: implementer-1\nAgent-Role: Implement"
    assert.deepStrictEqual(read(`Title\n\n${lines}`), agent, "two lines")
    assert.deepStrictEqual(
      read(
        `Title\n\n${lines.toUpperCase().replace("IMPLEMENTER", "implementer").replace(": IMPLEMENT", ": Implement")}`
      ),
      agent,
      "in any case"
    )
    assert.deepStrictEqual(
      read(`Title\n\n${lines}\nSigned-off-by: Ada\n(cherry picked from commit x)\n`),
      agent,
      "beside others"
    )
    for (const [what, message] of [
      ["no subject", lines],
      ["not in the last paragraph", `Title\n\n${lines}\n\nMore`],
      ["twice", `Title\n\n${lines}\nAgent-Id: other`],
      ["no role", "Title\n\nAgent-Id: implementer-1"],
      ["an empty role", "Title\n\nAgent-Id: implementer-1\nAgent-Role:"],
      ["another trailer of ours", `Title\n\n${lines}\nAgent-Rank: high`],
      ["a digest that is none", `Title\n\n${lines}\nAgent-Skill: abc`],
      ["what nobody sees", `Title\n\nAgent-Id: implementer-1\nAgent-Role: Imp\u200blement`],
      ["a long one", `Title\n\nAgent-Id: implementer-1\nAgent-Role: ${"x".repeat(201)}`],
      ["nothing", ""]
    ] as const) {
      assert.isNull(read(message), what)
    }
    for (const role of ["two\nlines", "Implement\u0000", "", " x", "x ", "a\u2028b"]) {
      assert.throws(() => CommitIdentity.message("m", { ...agent, role }), /role|Agent-Role/, JSON.stringify(role))
    }
  })
})

describe("commits that the host makes of an agent's work", () => {
  /** Runs with these variables of the environment, and with what was there before when it is over. */
  const within = <A, E, R>(variables: Record<string, string>, effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
        Object.assign(process.env, variables)
        return before
      }),
      () => effect,
      (before) =>
        Effect.sync(() => {
          for (const [name, value] of before) {
            if (value === undefined) delete process.env[name]
            else process.env[name] = value
          }
        })
    )

  /** An agent of keys that has a human's key. */
  const keyAgent = (folder: string, key: string) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const socket = `${folder}/agent.sock`
        const watcher = watch(folder)
        const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" })
        while (!existsSync(socket)) await once(watcher, "change")
        watcher.close()
        execFileSync("ssh-add", ["-q", key], {
          env: { PATH: process.env["PATH"], SSH_AUTH_SOCK: socket },
          stdio: "ignore"
        })
        return { child, socket }
      }),
      ({ child }) =>
        Effect.promise(async () => {
          const isOver = once(child, "exit")
          child.kill()
          await isOver
        })
    )

  test("are never signed with a human's key, whatever the user and the repository configure", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      const home = yield* temporary
      const { socket } = yield* keyAgent(home, ada.key)
      const config = `[user]\n\tname = ada\n\temail = ada@example.org\n\tsigningKey = ${ada.key}.pub\n[gpg]\n\tformat = ssh\n[commit]\n\tgpgSign = true\n`
      write(home, ".gitconfig", config)
      write(home, ".config/git/config", config)
      for (const [key, value] of [
        ["user.signingKey", `${ada.key}.pub`],
        ["gpg.format", "ssh"],
        ["commit.gpgSign", "true"],
        ["gpg.ssh.defaultKeyCommand", `echo key::${publicKey(ada.key)}`]
      ] as const) {
        git(dir, "config", key, value)
      }
      const environment = {
        HOME: home,
        XDG_CONFIG_HOME: `${home}/.config`,
        GIT_CONFIG_GLOBAL: `${home}/.gitconfig`,
        SSH_AUTH_SOCK: socket
      }
      const control = execFileSync("git", ["-C", dir, "commit", "-q", "--allow-empty", "-m", "by hand"], {
        env: { PATH: process.env["PATH"], ...environment }
      })
      assert.strictEqual(control.length, 0, "by hand it works")
      assert.match(bytesOf(dir, "HEAD"), /^gpgsig /m, "by hand, git takes her key from the agent of keys")
      git(dir, "reset", "-q", "--hard", base)
      write(dir, "a", "a")
      const made = CommitIdentity.commit({ agent, author: { name: bot.name, email: bot.email }, message: "Work" })
      const head = Option.getOrThrow(
        yield* within(environment, GitCommit.commitAll(dir, { branch: "work", base, ...made }))
      )
      assert.notMatch(bytesOf(dir, head), /gpgsig/, "the host's commit has no signature")
      const [commit] = (yield* Provenance.verify(dir, { base, head, roster })).commits
      assert.deepInclude(commit?.standing, { _tag: "Attributed", agent, member: "Implement" }, "it says whose it is")
      const [author, ...others] = (yield* Git.log(dir, { base, head, limit: 9 })).map(({ author }) => author.email)
      assert.deepStrictEqual([author, others], [bot.email, []], "and nothing of it is hers")
    }))

  test("are signed with the agent's own key where the house gives it, twice the same, and git agrees", () =>
    Effect.gen(function* () {
      const { base, bot, dir, keys, roster } = yield* repository
      write(dir, "a", "a")
      const sign = yield* CommitIdentity.signer(Redacted.make(readFileSync(bot.key, "utf8")))
      const author = { name: bot.name, email: bot.email }
      const options = { branch: "work", base, ...CommitIdentity.commit({ agent, author, message: "Work", sign }) }
      const head = Option.getOrThrow(yield* GitCommit.commitAll(dir, options))
      const [commit] = (yield* Provenance.verify(dir, { base, head, roster })).commits
      const key = sshKeygen("-lf", `${bot.key}.pub`).split(" ")[1]
      assert.deepInclude(commit?.standing, { _tag: "AgentSigned", member: "Implement", key }, "by the agent's key")
      assert.deepStrictEqual(
        yield* GitCommit.commitAll(dir, options),
        Option.some(head),
        "a second call makes no other"
      )
      write(keys, "allowed", `${bot.email} ${publicKey(bot.key)}\n`)
      const said = git(
        dir,
        "-c",
        "gpg.format=ssh",
        "-c",
        `gpg.ssh.allowedSignersFile=${keys}/allowed`,
        "log",
        "-1",
        "--format=%G? %GS",
        head
      )
      assert.strictEqual(said, `G ${bot.email}`, "git calls it good")
      git(dir, "fsck", "--strict")
      const { sign: _, ...plain } = options
      const unsigned = Option.getOrThrow(yield* GitCommit.commitAll(dir, plain))
      assert.notMatch(bytesOf(dir, unsigned), /gpgsig/, "without it, the one that is signed is not taken for the same")
      const other = yield* CommitIdentity.signer(Redacted.make(readFileSync(makeKey(keys, "other"), "utf8")))
      assert.notStrictEqual(
        Option.getOrThrow(yield* GitCommit.commitAll(dir, { ...options, sign: other })),
        head,
        "nor with another key"
      )
    }))

  test("a key that can not be used is refused, and not told", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(CommitIdentity.signer(Redacted.make("-----BEGIN NOTHING secret words")))
      assert.strictEqual(error.reason, "Unusable", "it is no key")
      assert.notInclude(error.message, "secret words", "what was given is not in the message")
    }))
})
