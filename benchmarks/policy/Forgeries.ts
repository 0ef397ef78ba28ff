/** Commits that pretend to be a human's, in a real repository with real keys: how many pass, and whether honest ones do. */
import type * as Git from "@millwright/core/Git"
import * as Provenance from "@millwright/governance/Provenance"
import * as ProvenanceRule from "@millwright/governance/ProvenanceRule"
import * as RosterFile from "@millwright/governance/RosterFile"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Why forgeries can not be made on this machine; nothing where they can. */
export const missing = (): string | undefined =>
  spawnSync("ssh-keygen", ["-?"]).error === undefined ? undefined : "ssh-keygen is missing: install openssh-client"

/** What a commit on top of the base was made as. */
export interface Case {
  readonly name: string
  readonly head: string
}

/** A repository, its base with the roster, and what stands on it. */
export interface Cases {
  readonly dir: string
  readonly base: string
  readonly forgeries: ReadonlyArray<Case>
  readonly honest: ReadonlyArray<Case>
}

const environment = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }

const run = (program: string, args: ReadonlyArray<string>, input?: Uint8Array): string =>
  execFileSync(program, args, {
    encoding: "latin1",
    stdio: ["pipe", "pipe", "pipe"],
    env: environment,
    ...(input === undefined ? {} : { input })
  })

interface Person {
  readonly name: string
  readonly email: string
  readonly key?: string
}

/** The repository and the keys in a folder. */
class Workshop {
  readonly dir: string
  readonly folder: string
  constructor(folder: string) {
    this.folder = folder
    this.dir = join(folder, "repository")
    mkdirSync(this.dir)
    this.git("init", "-q", "-b", "main", ".")
  }
  git(...args: ReadonlyArray<string>): string {
    return run("git", ["-C", this.dir, ...args]).trim()
  }
  key(name: string): string {
    const path = join(this.folder, name)
    run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ada@example.org", "-f", path])
    return path
  }
  publicKey(path: string): string {
    return readFileSync(`${path}.pub`, "utf8").trim()
  }
  /** Commits all that is there, on top of the base where nothing else is checked out. */
  commit({ email, key, name }: Person, message: string, ...args: ReadonlyArray<string>): string {
    const signing =
      key === undefined ? ["commit.gpgsign=false"] : ["gpg.format=ssh", "commit.gpgsign=true", `user.signingkey=${key}`]
    const config = [`user.name=${name}`, `user.email=${email}`, ...signing].flatMap((each) => ["-c", each])
    this.git("add", "-A")
    this.git(...config, "commit", "-q", "--allow-empty", "-m", message, ...args)
    return this.git("rev-parse", "HEAD")
  }
  bytes(id: string): string {
    return run("git", ["-C", this.dir, "cat-file", "commit", id])
  }
  put(bytes: string): string {
    return run(
      "git",
      ["-C", this.dir, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
      Buffer.from(bytes, "latin1")
    ).trim()
  }
  /** The signature of `ssh-keygen` over a content. */
  sign(key: string, content: string, namespace = "git"): string {
    const file = join(this.folder, "content")
    rmSync(`${file}.sig`, { force: true })
    writeFileSync(file, Buffer.from(content, "latin1"))
    run("ssh-keygen", ["-Y", "sign", "-q", "-n", namespace, "-f", key, file])
    return readFileSync(`${file}.sig`, "utf8")
  }
}

const unsigned = (bytes: string): string => bytes.replace(/^gpgsig .*\n(?: .*\n)*/m, "")

const signed = (bytes: string, armor: string, header = "gpgsig"): string =>
  bytes.replace("\n\n", `\n${header} ${armor.trimEnd().replaceAll("\n", "\n ")}\n\n`)

const pgp = "-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0WIQTgood\n=AAAA\n-----END PGP SIGNATURE-----"

/** Makes the repository, 20 forgeries and what is honest in a folder, which has to be empty. */
export const make = (folder: string): Cases => {
  const shop = new Workshop(folder)
  const ada: Required<Person> = { name: "Ada", email: "ada@example.org", key: shop.key("ada") }
  const bot: Required<Person> = { name: "Factory", email: "factory@example.org", key: shop.key("bot") }
  const retired = shop.key("retired")
  const stranger = shop.key("stranger")
  const roster = (kind: string): string =>
    JSON.stringify({
      members: [
        {
          name: "ada",
          kind: "human",
          logins: ["ada"],
          emails: [ada.email],
          keys: [shop.publicKey(ada.key), `valid-before="20200101Z" ${shop.publicKey(retired)}`]
        },
        { name: "Implement", kind, logins: [], emails: [bot.email], keys: [shop.publicKey(bot.key)] }
      ]
    })
  const writeRoster = (kind: string): void => {
    mkdirSync(join(shop.dir, ".millwright"), { recursive: true })
    writeFileSync(join(shop.dir, RosterFile.usualPath), roster(kind))
  }
  writeRoster("agent")
  const base = shop.commit(bot, "base")
  const asAda = { name: ada.name, email: ada.email }
  const onBase = (act: () => string): string => {
    shop.git("checkout", "-q", "--detach", "--force", base)
    return act()
  }
  const commit = (who: Person, message = "Work"): string => onBase(() => shop.commit(who, message))
  // A commit of hers, which no forgery has in its range, and one of nobody's under her name.
  const hers = shop.bytes(commit(ada, "Hers"))
  const armor = shop.sign(ada.key, unsigned(hers))
  const plain = unsigned(shop.bytes(commit(asAda, "Not hers")))
  const certified = (name: string, ...options: ReadonlyArray<string>): string => {
    const key = shop.key(name)
    run("ssh-keygen", ["-q", "-s", stranger, "-I", "ada", "-n", ada.email, ...options, `${key}.pub`])
    return shop.put(signed(plain, shop.sign(`${key}-cert.pub`, plain)))
  }
  const replaced = (): string => {
    const [forged, real] = [commit(bot, "replaced"), shop.put(hers)]
    shop.git("replace", forged, real)
    return forged
  }
  const changed = (pattern: RegExp, text: string): string => shop.put(hers.replace(pattern, text))
  const forgeries: ReadonlyArray<Case> = [
    { name: "her name and address", head: commit(asAda) },
    { name: "a Signed-off-by of hers", head: commit(bot, "Work\n\nSigned-off-by: Ada <ada@example.org>") },
    {
      name: "a Reviewed-by and a Co-authored-by of hers",
      head: commit(bot, "W\n\nReviewed-by: Ada\nCo-authored-by: Ada <ada@example.org>")
    },
    {
      name: "an approval that an agent signed",
      head: onBase(() => shop.commit(asAda, "OK", "--trailer", `Approves=${shop.commit(bot, "W")}`))
    },
    { name: "a stranger's key under her name", head: commit({ ...asAda, key: stranger }) },
    { name: "the agent's key under her name", head: commit({ ...asAda, key: bot.key }) },
    { name: "her signature from another commit", head: shop.put(signed(plain, armor)) },
    { name: "her signature over a letter", head: shop.put(signed(plain, shop.sign(ada.key, "a letter", "file"))) },
    {
      name: "her signature for files over these bytes",
      head: shop.put(signed(plain, shop.sign(ada.key, plain, "file")))
    },
    { name: "her commit with another message", head: changed(/Hers/, "Mine") },
    { name: "her commit with another tree", head: changed(/^tree \w+/, `tree ${shop.git("mktree", "--missing")}`) },
    {
      name: "her commit with another parent",
      head: changed(/^parent \w+/m, `parent ${shop.git("rev-parse", commit(bot))}`)
    },
    { name: "her commit at another time", head: changed(/^(committer .*> )\d+/m, "$11700000000") },
    { name: "a certificate in her name of an authority that nobody knows", head: certified("certificate") },
    { name: "a certificate in her name that has expired", head: certified("expired", "-V", "20200101:20200102") },
    { name: "something that looks like OpenPGP", head: shop.put(signed(plain, pgp)) },
    { name: "two signatures", head: shop.put(signed(signed(plain, armor), shop.sign(bot.key, plain))) },
    { name: "a key of hers that is retired", head: commit({ ...asAda, key: retired }) },
    { name: "a commit that a replacement shows as hers", head: replaced() },
    {
      name: "a roster in the change that makes the agent human",
      head: onBase(() => (writeRoster("human"), shop.commit(bot, "W")))
    }
  ]
  const honest: ReadonlyArray<Case> = [
    { name: "a commit that she signed", head: commit(ada) },
    {
      name: "a commit of the agent that she approved",
      head: onBase(() => shop.commit(ada, "OK", "--trailer", `Approves=${shop.commit(bot, "W")}`))
    }
  ]
  // A program of the repository that calls everything good, and a list that lets everybody sign for her.
  writeFileSync(
    join(folder, "says-good"),
    '#!/bin/sh\necho "Good \\"git\\" signature for ada@example.org with ED25519 key"\n',
    { mode: 0o755 }
  )
  writeFileSync(
    join(folder, "allowed"),
    [stranger, bot.key].map((key) => `${ada.email} ${shop.publicKey(key)}\n`).join("")
  )
  shop.git("config", "gpg.ssh.program", join(folder, "says-good"))
  shop.git("config", "gpg.ssh.allowedSignersFile", join(folder, "allowed"))
  return { dir: shop.dir, base, forgeries, honest }
}

/** Those of some cases in which a human is found: something is signed by one, or the rule that humans stand behind all of it holds. */
export const passing = (
  { base, dir }: Cases,
  cases: ReadonlyArray<Case>
): Effect.Effect<ReadonlyArray<string>, Git.GitError | RosterFile.RosterError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const roster = yield* RosterFile.atBase(dir, { base })
    const found = yield* Effect.filter(cases, ({ head }) =>
      Effect.map(
        Provenance.verify(dir, { base, head, roster }),
        (range) =>
          range.commits.some(({ standing }) => standing._tag === "HumanSigned") ||
          ProvenanceRule.check(range, { name: "humans", humans: 1 }).holds
      )
    )
    return found.map(({ name }) => name)
  })
