import { assert, describe } from "@effect/vitest"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { existsSync, readFileSync } from "node:fs"
import * as CommitIdentity from "../src/CommitIdentity.ts"
import * as Provenance from "../src/Provenance.ts"
import type * as Roster from "../src/Roster.ts"
import {
  bytesOf,
  commitAs,
  git,
  gitAs,
  makeKey,
  publicKey,
  putCommit,
  repository,
  signatureOver,
  sshKeygen,
  temporary,
  test,
  withoutSignature,
  withSignature,
  write
} from "./SignedRepository.ts"

const agent: CommitIdentity.Agent = {
  id: "implementer-1",
  role: "Implement",
  model: "anthropic/claude",
  run: "issue-1.1"
}

/** How a commit stands, in a word or two. */
const told = (standing: Provenance.Standing): string => {
  switch (standing._tag) {
    case "Unproven":
      return standing.why
    case "Attributed":
      return `Attributed ${standing.agent?.id ?? standing.member}`
    default:
      return `${standing._tag} ${standing.member}`
  }
}

/** How one commit on top of a base stands. */
const standing = (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly roster: Roster.Roster }
) =>
  Effect.map(Provenance.verify(dir, options), ({ commits }) => commits.map(({ standing }) => told(standing)).join(", "))

describe("Provenance.verify", () => {
  test("tells humans who signed from agents that signed, from agents that say so, and from who says nothing", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      commitAs(ada, dir, "by ada")
      commitAs(bot, dir, "signed by the agent")
      commitAs({ name: bot.name, email: bot.email }, dir, CommitIdentity.message("unsigned", agent))
      commitAs({ name: bot.name, email: bot.email }, dir, "without trailers")
      commitAs({ name: "x", email: "x@example.org" }, dir, CommitIdentity.message("from elsewhere", agent))
      commitAs({ name: "x", email: "x@example.org" }, dir, "nothing")
      const range = yield* Provenance.verify(dir, { base, head: "HEAD", roster })
      assert.deepStrictEqual(
        range.commits.map(({ standing, subject }) => `${subject}: ${told(standing)}`),
        [
          "by ada: HumanSigned ada",
          "signed by the agent: AgentSigned Implement",
          "unsigned: Attributed implementer-1",
          "without trailers: Attributed Implement",
          "from elsewhere: Attributed implementer-1",
          "nothing: Unsigned"
        ],
        "oldest first, each by what is proven of it"
      )
      const { commits, ...rest } = range
      assert.deepStrictEqual(
        rest,
        { base, head: git(dir, "rev-parse", "HEAD"), isAncestor: true, cut: [], truncated: false },
        "nothing is missing"
      )
      const [first] = commits
      assert.strictEqual(
        first?.standing._tag === "HumanSigned" && first.standing.key,
        sshKeygen("-lf", `${ada.key}.pub`).split(" ")[1],
        "the fingerprint is as ssh-keygen shows it"
      )
    }))

  test("knows every kind of key that ssh-keygen makes, and agrees with git about each", () =>
    Effect.gen(function* () {
      const { base, dir, keys } = yield* repository
      const kinds = [
        ["ed25519"],
        ["ecdsa", "-b", "256"],
        ["ecdsa", "-b", "384"],
        ["ecdsa", "-b", "521"],
        ["rsa", "-b", "2048"]
      ]
      const members = kinds.map((kind, index): Roster.Member => {
        const key = makeKey(keys, `kind${index}`, ...kind)
        for (const round of [1, 2, 3])
          commitAs({ name: "n", email: "n@example.org", key }, dir, `${kind.join(" ")} ${round}`)
        return {
          name: kind.join(" "),
          kind: "human",
          logins: [],
          emails: [`k${index}@example.org`],
          keys: [publicKey(key)]
        }
      })
      const range = yield* Provenance.verify(dir, { base, head: "HEAD", roster: { members } })
      for (const { standing, subject } of range.commits) {
        assert.strictEqual(told(standing), `HumanSigned ${subject.slice(0, -2)}`, "each by its own key")
      }
      const allowed = `${keys}/allowed`
      write(keys, "allowed", members.map(({ emails, keys }) => `${emails[0]} ${keys[0]}\n`).join(""))
      const said = git(
        dir,
        "-c",
        "gpg.format=ssh",
        "-c",
        `gpg.ssh.allowedSignersFile=${allowed}`,
        "log",
        "--format=%G?",
        `${base}..`
      )
      assert.strictEqual(said.replaceAll("\n", ""), "G".repeat(range.commits.length), "git calls each of them good")
    }))

  test("takes nothing that a commit says of itself for a proof", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, keys, roster } = yield* repository
      const of = (head: string) => standing(dir, { base, head, roster })
      const asAda = { name: ada.name, email: ada.email }
      const onBase = (make: () => string): string => {
        git(dir, "checkout", "-q", "--detach", base)
        return make()
      }
      assert.strictEqual(yield* of(onBase(() => commitAs(asAda, dir, "her name"))), "Unsigned", "her name and address")
      const trailer = "m\n\nSigned-off-by: ada <ada@example.org>"
      assert.strictEqual(yield* of(onBase(() => commitAs(asAda, dir, trailer))), "Unsigned", "a forged sign-off")
      const range = yield* Provenance.verify(dir, { base, head: git(dir, "rev-parse", "HEAD"), roster })
      assert.deepStrictEqual(
        range.commits[0]?.standing.claims,
        { author: asAda, committer: asAda, agent: null, human: "ada", signedOffBy: ["ada <ada@example.org>"] },
        "it is told as what it says"
      )
      const both = CommitIdentity.message("m", agent)
      assert.strictEqual(yield* of(onBase(() => commitAs(asAda, dir, both))), "NamesBoth", "an agent under her name")
      const stranger = makeKey(keys, "stranger")
      assert.strictEqual(
        yield* of(onBase(() => commitAs({ ...asAda, key: stranger }, dir, "m"))),
        "UnknownKey",
        "a good signature of a key that nobody has"
      )
      assert.strictEqual(
        yield* of(onBase(() => commitAs({ ...asAda, key: bot.key }, dir, "m"))),
        "AgentSigned Implement",
        "an agent's key under her name"
      )
      assert.strictEqual(
        yield* of(onBase(() => commitAs({ ...bot, key: ada.key }, dir, "m"))),
        "HumanKeyOfAgent",
        "her key in the hands of an agent"
      )
      const picked = onBase(() => commitAs({ name: bot.name, email: bot.email }, dir, both))
      assert.strictEqual(
        yield* of(
          onBase(() => {
            gitAs(ada, dir, "cherry-pick", "--allow-empty", picked)
            return git(dir, "rev-parse", "HEAD")
          })
        ),
        "HumanSigned ada",
        "what an agent wrote, and she committed and signed herself"
      )
    }))

  test("takes a signature for what it is over, and for nothing else", () =>
    Effect.gen(function* () {
      const { ada, base, dir, keys, roster } = yield* repository
      const good = commitAs(ada, dir, "good")
      const bytes = bytesOf(dir, good)
      const plain = withoutSignature(bytes)
      const armor = signatureOver(keys, ada.key, plain)
      const of = (bytes: string) => standing(dir, { base, head: putCommit(dir, Buffer.from(bytes, "latin1")), roster })
      assert.strictEqual(
        yield* of(withSignature(plain, armor)),
        "HumanSigned ada",
        "the test puts signatures as git does"
      )
      const other = plain.replace("good", "evil")
      const over = (armor: string) => withSignature(other, armor)
      assert.strictEqual(yield* of(over(armor)), "BadSignature", "copied from another commit")
      assert.strictEqual(
        yield* of(over(signatureOver(keys, ada.key, "a letter"))),
        "BadSignature",
        "over another thing"
      )
      assert.strictEqual(
        yield* of(over(signatureOver(keys, ada.key, other, "file"))),
        "WrongNamespace",
        "over these bytes, and not as a commit"
      )
      const tag = `object ${good}\ntype commit\ntag v1\ntagger ada <ada@example.org> 1 +0000\n\nv1\n`
      assert.strictEqual(yield* of(over(signatureOver(keys, ada.key, tag))), "BadSignature", "over a tag of hers")
      const twice = withSignature(withSignature(plain, armor), armor)
      assert.strictEqual(yield* of(twice), "UnknownSignature", "two signatures")
      const beside = withSignature(withSignature(plain, armor), armor, "gpgsig-sha256")
      assert.strictEqual(yield* of(beside), "UnknownSignature", "one of another hash beside it")
      const alone = withSignature(plain, armor, "gpgsig-sha256")
      assert.strictEqual(yield* of(alone), "UnknownSignature", "one of another hash alone")
      const cut = armor.split("\n").toSpliced(2, 1).join("\n")
      assert.strictEqual(yield* of(withSignature(plain, cut)), "UnknownSignature", "a line of it lost")
      assert.strictEqual(yield* of(withSignature(plain, "yes")), "UnknownSignature", "no signature at all")
      const pgp = "-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0WIQ\n-----END PGP SIGNATURE-----"
      assert.strictEqual(yield* of(withSignature(plain, pgp)), "OpenPGP", "OpenPGP is not checked")
      const cms = "-----BEGIN SIGNED MESSAGE-----\nMIIB\n-----END SIGNED MESSAGE-----"
      assert.strictEqual(yield* of(withSignature(plain, cms)), "X509", "X.509 is not checked")
      const twoAuthors = plain.replace(/^author .*\n/m, (line) => line + line)
      const signedTwo = withSignature(twoAuthors, signatureOver(keys, ada.key, twoAuthors))
      assert.strictEqual(yield* of(signedTwo), "Malformed", "what one reader takes for another author than the next")
      const lateHeader = bytes.replace("\n\n", "\ngpgsig-extra unsigned words\n\n")
      assert.strictEqual(yield* of(lateHeader), "UnknownSignature", "a header that no signature is over")
    }))

  test("holds keys to the times and the purposes that the roster gives them", () =>
    Effect.gen(function* () {
      const { ada, base, dir, keys, roster } = yield* repository
      const key = publicKey(ada.key)
      const made = (date: string): string => {
        git(dir, "checkout", "-q", "--detach", base)
        const plain = withoutSignature(bytesOf(dir, commitAs(ada, dir, "m")))
        const dated = plain.replace(/^(committer .*> )\d+ .*$/m, `$1${Date.parse(date) / 1_000} +0200`)
        return putCommit(dir, withSignature(dated, signatureOver(keys, ada.key, dated)))
      }
      const [before, at, after] = [
        made("2024-12-31T23:59:59Z"),
        made("2025-01-01T00:00:00Z"),
        made("2025-06-01T00:00:00Z")
      ]
      const with_ = (options: string) => ({
        members: roster.members.map((m) => (m.name === "ada" ? { ...m, keys: [`${options}${key}`] } : m))
      })
      const all = (options: string) =>
        Effect.forEach([before, at, after], (head) => standing(dir, { base, head, roster: with_(options) }))
      const good = "HumanSigned ada"
      assert.deepStrictEqual(yield* all('valid-after="20250101Z" '), ["KeyNotValid", good, good], "from its time on")
      assert.deepStrictEqual(
        yield* all('valid-before="20250101000000Z" '),
        [good, "KeyNotValid", "KeyNotValid"],
        "until its time"
      )
      assert.deepStrictEqual(yield* all('namespaces="file,git" '), [good, good, good], "among others for commits")
      assert.deepStrictEqual(
        yield* all('namespaces="file",valid-after="20200101Z" '),
        ["WrongNamespace", "WrongNamespace", "WrongNamespace"],
        "for files alone"
      )
    }))

  test("follows no certificate: not an expired one, not another's, and not a good one", () =>
    Effect.gen(function* () {
      const { ada, base, dir, keys, roster } = yield* repository
      const authority = makeKey(keys, "authority")
      for (const [title, ...options] of [
        ["expired", "-n", "ada@example.org", "-V", "20200101:20200102"],
        ["of another principal", "-n", "grace@example.org"],
        ["good", "-n", "ada@example.org"]
      ] as const) {
        const key = makeKey(keys, `cert-${title.replaceAll(" ", "-")}`)
        sshKeygen("-q", "-s", authority, "-I", "ada", ...options, `${key}.pub`)
        git(dir, "checkout", "-q", "--detach", base)
        const plain = withoutSignature(bytesOf(dir, commitAs(ada, dir, title)))
        const armor = signatureOver(keys, `${key}-cert.pub`, plain)
        const head = putCommit(dir, withSignature(plain, armor))
        const members = roster.members.map((m) => (m.name === "ada" ? { ...m, keys: [publicKey(key)] } : m))
        assert.strictEqual(yield* standing(dir, { base, head, roster: { members } }), "Certificate", title)
      }
    }))

  test("refuses a roster in which a key or an address is two members'", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      const head = commitAs(bot, dir, "m")
      const alsoAgent = (member: Partial<Roster.Member>): Roster.Roster => ({
        members: [...roster.members, { name: "Other", kind: "agent", logins: [], emails: [], keys: [], ...member }]
      })
      for (const [member, said] of [
        [{ keys: [`${publicKey(ada.key)} the same`] }, /key SHA256:.* is given twice, to ada and to Other/],
        [{ emails: ["ADA@example.org"] }, /address ADA@example\.org is given twice, to ada and to Other/],
        [{ logins: ["Ada-Login"] }, /login Ada-Login is given twice/],
        [{ name: "Ada" }, /name Ada is given twice/]
      ] as const) {
        const error = yield* Effect.flip(Provenance.verify(dir, { base, head, roster: alsoAgent(member) }))
        assert.strictEqual(error.reason, "Malformed", "it is refused")
        assert.match(error.message, said, "with what is wrong")
      }
      const both = alsoAgent({ keys: [publicKey(ada.key)] })
      const [commit] = (yield* Provenance.verify(dir, {
        base,
        head: commitAs(ada, dir, "hers"),
        roster
      })).commits.slice(-1)
      assert.strictEqual(commit && told(commit.standing), "HumanSigned ada", "with the roster as it was")
      const bytes = Buffer.from(bytesOf(dir, "HEAD"), "latin1")
      const judged = Provenance.judge({ id: git(dir, "rev-parse", "HEAD"), bytes }, both)
      assert.strictEqual(
        told(judged.standing),
        "UnknownKey",
        "a key of two members is nobody's, where nobody looked at the roster"
      )
    }))

  test("runs no program that a repository names, and reads no configuration", () =>
    Effect.gen(function* () {
      const { ada, base, dir, roster } = yield* repository
      const outside = yield* temporary
      write(
        outside,
        "program",
        `#!/bin/sh\ntouch ${outside}/ran\necho 'Good "git" signature for ada@example.org with ED25519 key SHA256:x'\n`
      )
      const head = commitAs({ name: ada.name, email: ada.email }, dir, "m")
      for (const key of ["gpg.program", "gpg.ssh.program", "gpg.x509.program", "core.fsmonitor", "core.sshCommand"]) {
        git(dir, "config", key, `sh ${outside}/program`)
      }
      write(dir, "allowed", `* ${publicKey(makeKey(outside, "evil"))}`)
      git(dir, "config", "gpg.ssh.allowedSignersFile", `${dir}/allowed`)
      git(dir, "config", "log.showSignature", "true")
      git(dir, "config", "gpg.format", "ssh")
      assert.strictEqual(yield* standing(dir, { base, head, roster }), "Unsigned", "whatever is configured")
      assert.isFalse(existsSync(`${outside}/ran`), "no program of the repository ran")
    }))
})

describe("Provenance.verify, wherever it runs", () => {
  test("an empty range, a detached working tree, and a base that the head does not stand on", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      assert.deepStrictEqual(
        (yield* Provenance.verify(dir, { base, head: base, roster })).commits,
        [],
        "nothing between"
      )
      const mine = commitAs(ada, dir, "mine")
      const other = `${yield* temporary}/wt`
      git(dir, "worktree", "add", "-q", "--detach", other, base)
      commitAs(bot, other, "theirs")
      assert.strictEqual(
        yield* standing(other, { base, head: "HEAD", roster }),
        "AgentSigned Implement",
        "HEAD of that tree"
      )
      const range = yield* Provenance.verify(other, { base: mine, head: "HEAD", roster })
      assert.isFalse(range.isAncestor, "the base went on")
      assert.deepStrictEqual(
        range.commits.map(({ standing }) => told(standing)),
        ["AgentSigned Implement"],
        "what the head has more"
      )
      git(dir, "checkout", "-q", "--orphan", "unrelated")
      commitAs(ada, dir, "root")
      assert.strictEqual(
        yield* standing(dir, { base: "main", head: "HEAD", roster }),
        "HumanSigned ada",
        "no history in common"
      )
    }))

  test("an amended head, and one that was moved by force", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      write(dir, "a", "1")
      commitAs(ada, dir, "signed")
      write(dir, "a", "2")
      git(dir, "add", "-A")
      gitAs({ name: bot.name, email: bot.email }, dir, "commit", "-q", "--amend", "--no-edit")
      assert.strictEqual(
        yield* standing(dir, { base, head: "HEAD", roster }),
        "NamesBoth",
        "an agent amended what a human signed"
      )
      git(dir, "reset", "-q", "--hard", base)
      commitAs({ name: "x", email: "x@example.org" }, dir, "forced")
      assert.strictEqual(
        yield* standing(dir, { base, head: "main", roster }),
        "Unsigned",
        "what it was before is not asked"
      )
    }))

  test("merge commits: each commit for itself, and the merge for itself", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "b", "b")
      commitAs(bot, dir, "work")
      git(dir, "checkout", "-q", "main")
      gitAs(ada, dir, "merge", "-q", "--no-ff", "-m", "merge", "-S", "work")
      assert.strictEqual(
        yield* standing(dir, { base, head: "main", roster }),
        "AgentSigned Implement, HumanSigned ada",
        "a human's merge makes nothing human but itself"
      )
    }))

  test("a shallow clone says behind which commits it can not see", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      commitAs(bot, dir, "hidden")
      commitAs(ada, dir, "two")
      const last = commitAs(ada, dir, "three")
      const outside = yield* temporary
      const clone = (depth: number): string => {
        git(outside, "clone", "-q", `--depth=${depth}`, `file://${dir}`, `clone${depth}`)
        return `${outside}/clone${depth}`
      }
      const shallow = clone(2)
      const error = yield* Effect.flip(Provenance.verify(shallow, { base, head: "HEAD", roster }))
      assert.strictEqual(error.reason, "UnknownRevision", "the base is not there")
      assert.include(error.message, "fetch --unshallow", "and it is said what would help")
      git(shallow, "fetch", "-q", "--depth=1", "origin", base)
      const range = yield* Provenance.verify(shallow, { base, head: "HEAD", roster })
      assert.deepStrictEqual(
        range.commits.map(({ subject }) => subject),
        ["two", "three"],
        "what is there"
      )
      assert.deepStrictEqual(range.cut, [range.commits[0]?.id], "what lies behind it is not known")
      assert.strictEqual(range.commits.at(-1)?.id, last, "up to the head")
      git(shallow, "fetch", "-q", "--unshallow")
      assert.deepStrictEqual(
        (yield* Provenance.verify(shallow, { base, head: "HEAD", roster })).cut,
        [],
        "all of it is there"
      )
      const short = yield* Provenance.verify(dir, { base, head: "HEAD", roster, limit: 2 })
      assert.deepStrictEqual(
        [short.truncated, short.commits.map(({ subject }) => subject)],
        [true, ["two", "three"]],
        "a limit is told"
      )
    }))

  test("a repository with SHA-256", () =>
    Effect.gen(function* () {
      const { ada, bot, roster } = yield* repository
      const dir = yield* temporary
      git(dir, "init", "-q", "-b", "main", "--object-format=sha256", ".")
      const base = commitAs({ name: "t", email: "t@example.org" }, dir, "base")
      const mine = commitAs(ada, dir, "mine")
      write(dir, "a", "a")
      const sign = yield* CommitIdentity.signer(Redacted.make(readFileSync(bot.key, "utf8")))
      const made = CommitIdentity.commit({ agent, author: bot, message: "theirs", sign })
      const head = Option.getOrThrow(yield* GitCommit.commitAll(dir, { branch: "work", base: mine, ...made }))
      assert.strictEqual(head.length, 64, "ids are longer")
      assert.strictEqual(yield* standing(dir, { base, head, roster }), "HumanSigned ada, AgentSigned Implement", "both")
    }))
})
