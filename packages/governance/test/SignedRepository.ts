/** Real repositories, keys and signatures for tests, made with the real git and ssh-keygen and apart from the code under test. */
import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type * as Roster from "../src/Roster.ts"

/** Whether the programs are here that the tests make signatures with. */
export const hasPrograms = spawnSync("ssh-keygen", ["-?"]).error === undefined

const environment = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }

const program = (name: string, args: ReadonlyArray<string>, env: Record<string, string> = {}): string =>
  execFileSync(name, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, ...env }
  }).trim()

/** A person or an agent, and the file of a private key. */
export interface Signer {
  readonly name: string
  readonly email: string
  readonly key?: string
}

/** Runs git as somebody, signing with their key where they have one. */
export const gitAs = (who: Signer, dir: string, ...args: ReadonlyArray<string>): string => {
  const signing =
    who.key === undefined
      ? ["commit.gpgsign=false"]
      : ["gpg.format=ssh", "commit.gpgsign=true", `user.signingkey=${who.key}`]
  const config = [`user.name=${who.name}`, `user.email=${who.email}`, ...signing].flatMap((each) => ["-c", each])
  return program("git", ["-C", dir, ...config, ...args])
}

const nobody: Signer = { name: "t", email: "t@example.org" }

/** Runs git as nobody whom a roster has, unsigned. */
export const git = (dir: string, ...args: ReadonlyArray<string>): string => gitAs(nobody, dir, ...args)

/** Writes a file, with its folders. */
export const write = (dir: string, name: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(dir, name)), { recursive: true })
  writeFileSync(join(dir, name), content)
}

/** Commits everything as somebody and answers with the id. */
export const commitAs = (who: Signer, dir: string, message = "m", ...args: ReadonlyArray<string>): string => {
  git(dir, "add", "-A")
  gitAs(who, dir, "commit", "-q", "--allow-empty", "-m", message, ...args)
  return git(dir, "rev-parse", "HEAD")
}

/** Puts a commit, as its bytes, into the repository, whatever they are, and answers with its id. */
export const putCommit = (dir: string, bytes: string | Uint8Array): string =>
  execFileSync("git", ["-C", dir, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"], {
    encoding: "utf8",
    input: bytes,
    env: environment
  }).trim()

/** The bytes of a commit, as latin1. */
export const bytesOf = (dir: string, rev: string): string =>
  execFileSync("git", ["-C", dir, "cat-file", "commit", rev], { encoding: "latin1", env: environment })

/** Runs ssh-keygen. */
export const sshKeygen = (...args: ReadonlyArray<string>): string => program("ssh-keygen", args)

/** Makes a pair of keys and answers with the path of the private one. */
export const makeKey = (dir: string, name: string, ...kind: ReadonlyArray<string>): string => {
  const path = join(dir, name)
  sshKeygen("-q", "-N", "", "-C", "", "-t", ...(kind.length === 0 ? ["ed25519"] : kind), "-f", path)
  return path
}

/** The public key that belongs to a private one. */
export const publicKey = (path: string): string => readFileSync(`${path}.pub`, "utf8").trim()

/** A signature of git's namespace over bytes, in armor, by ssh-keygen. */
export const signatureOver = (dir: string, key: string, content: string, namespace = "git"): string => {
  const file = join(dir, `to-sign-${namespace}`)
  writeFileSync(file, Buffer.from(content, "latin1"))
  sshKeygen("-Y", "sign", "-q", "-n", namespace, "-f", key, file)
  const armor = readFileSync(`${file}.sig`, "utf8")
  program("rm", [`${file}.sig`])
  return armor
}

/** A commit's bytes with a signature put among the headers. */
export const withSignature = (bytes: string, armor: string, header = "gpgsig"): string =>
  bytes.replace("\n\n", `\n${header} ${armor.trimEnd().replaceAll("\n", "\n ")}\n\n`)

/** A commit's bytes without its signature. */
export const withoutSignature = (bytes: string): string => bytes.replace(/^gpgsig(?:-sha256)? .*\n(?: .*\n)*/m, "")

/** An empty folder that goes away with the scope. */
export const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "millwright-signatures-" })
).pipe(Effect.map((dir) => realpathSync(dir)))

/** A repository with one commit on `main`, two humans and an agent with keys, and the roster that has them. */
export const repository = Effect.gen(function* () {
  const [dir, keys] = [yield* temporary, yield* temporary]
  git(dir, "init", "-q", "-b", "main", ".")
  write(dir, "README.md", "# Readme\n")
  const person = (name: string, email: string): Required<Signer> => ({ name, email, key: makeKey(keys, name) })
  const ada = person("ada", "ada@example.org")
  const grace = person("grace", "grace@example.org")
  const bot = person("Implement", "factory@example.org")
  const member = (who: Required<Signer>, kind: Roster.Member["kind"]): Roster.Member => ({
    name: who.name,
    kind,
    logins: [`${who.name}-login`],
    emails: [who.email],
    keys: [publicKey(who.key)]
  })
  const roster: Roster.Roster = { members: [member(ada, "human"), member(grace, "human"), member(bot, "agent")] }
  return { dir, keys, ada, grace, bot, roster, base: commitAs(nobody, dir, "base") }
})

/** A test with real files and processes. */
export const test = (
  title: string,
  body: () => Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>
): void => {
  if (hasPrograms) it.live(title, () => Effect.provide(body(), NodeServices.layer), 60_000)
  else it.skip(`${title} (ssh-keygen is missing: install openssh-client)`, () => {})
}
