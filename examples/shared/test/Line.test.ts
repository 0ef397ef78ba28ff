import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { afterEach, beforeEach } from "vitest"
import * as Text from "../text.ts"
import * as Child from "./Child.ts"
import { hostile } from "./factory.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const main = here("../line.ts")
let folder: string
let store: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "millwright-line-")))
  store = join(folder, "factory.db")
})
afterEach(() => {
  Child.endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const words = (...args: ReadonlyArray<string>) => [process.execPath, main, ...args, "--store", store]
const line = (...args: ReadonlyArray<string>) => {
  const [command = "", ...rest] = words(...args)
  return Child.start(command, rest, { cwd: folder }).ended
}

/** A process that started runs of these items, and stays until they are over. */
const living = async (...items: ReadonlyArray<string>) => {
  const factory = Child.start(process.execPath, [here("./factory.ts"), store, ...items], {
    cwd: folder,
    env: { LIVE: "1" }
  })
  await factory.said(/ready/)
  return factory
}

/** Runs of these items, each waiting at its first gate, and no process. */
const left = async (...items: ReadonlyArray<string>) => {
  const { code, stderr } = await Child.start(process.execPath, [here("./factory.ts"), store, ...items]).ended
  assert.strictEqual(code, 0, stderr)
}

const done = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await line(...args)
  assert.strictEqual(code, 0, `${args.join(" ")}: ${stderr}`)
  return stdout
}
const json = async (...args: ReadonlyArray<string>) => JSON.parse(await done(...args, "--json"))
const refusedWith = async (ended: Promise<Child.Ended>) => {
  const { code, stderr, stdout } = await ended
  assert.strictEqual(code, 2, `it is bad input: ${stdout}${stderr}`)
  assert.notMatch(stderr, /\n\s+at |node:internal/, "a stack")
  return stderr
}
const refused = (...args: ReadonlyArray<string>) => refusedWith(line(...args))

describe("line, beside a process that runs", () => {
  it("lists, shows, answers and follows a run to its end", async () => {
    const factory = await living("a")
    const listed = await done("list", "--json")
    for (const printed of [listed, await done("list"), await done("show", "a.1")]) {
      assert.notMatch(printed, /[\p{Cc}\p{Bidi_Control}](?<!\n)/u, "what was printed could steer a terminal")
    }
    const { runs } = JSON.parse(listed)
    assert.strictEqual(runs[0].status.title, hostile, "the title is not what it was")
    assert.deepStrictEqual(
      runs.map(({ status }: { status: { run: string; _tag: string } }) => [status.run, status._tag]),
      [["a.1", "Waiting"]]
    )
    assert.deepStrictEqual((await json("list", "--status", "Stalled")).runs, [])
    const tail = Child.start(process.execPath, [main, "tail", "a.1", "--json", "--store", store])
    await tail.said(/"Waiting"/)
    const answered = await json("approve", "a.1:plan", "--note", "yes")
    // The run goes on: its next gate may be open by now.
    assert.notInclude(answered.status.openGates, "a.1:plan")
    await tail.said(/a\.1:name/)
    const shown = await json("show", "a.1")
    assert.deepStrictEqual(
      shown.gates.map((gate: { opened: { gate: string }; answered?: { answer: unknown } }) => [
        gate.opened.gate,
        gate.answered?.answer
      ]),
      [
        ["a.1:plan", { approved: true, note: "yes" }],
        ["a.1:name", undefined]
      ]
    )
    await done("answer", "a.1:name", "Millwright")
    const { code, stdout } = await tail.ended
    assert.strictEqual(code, 0, "tail ends with its run")
    const lines = stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text))
    assert.strictEqual(lines.at(-1).status.result, "Millwright")
    const places = lines.map(({ seq }) => seq)
    assert.deepStrictEqual(
      places,
      places.toSorted((a, b) => a - b)
    )
    const again = await done("tail", "a.1", "--json", "--after", String(places.at(-3)))
    assert.deepStrictEqual(
      again
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text).seq),
      places.slice(-2)
    )
    assert.strictEqual((await factory.ended).code, 0, factory.output())
  }, 60_000)

  it("lets one of two answers that come at once stand, and tells the other", async () => {
    const factory = await living("a", "b")
    const both = await Promise.all([line("approve", "a.1:plan"), line("reject", "a.1:plan", "--note", "not so")])
    const codes = both.map(({ code }) => code).toSorted()
    assert.deepStrictEqual(codes, [0, 2], both.map(({ stderr }) => stderr).join())
    assert.match(both.find(({ code }) => code === 2)?.stderr ?? "", /before, and differently|is over/)
    const same = await Promise.all([line("approve", "b.1:plan"), line("approve", "b.1:plan")])
    assert.deepStrictEqual(
      same.map(({ code }) => code),
      [0, 0],
      "the same answer twice is one"
    )
    factory.child.kill()
  }, 60_000)
})

describe("line, on a store", () => {
  it("says no to what is not there, and which names are like it", async () => {
    await left("issue-one", "issue-two")
    assert.include(await refused("show", "issue-on.1"), "Did you mean issue-one.1")
    assert.include(await refused("show", "zzz"), "list shows them")
    assert.include(await refused("tail", "issue-tow.1"), "issue-two.1")
    assert.include(await refused("resume", "issue-tow.1"), "issue-two.1")
    assert.include(await refused("approve", "issue-one.1:plam"), "issue-one.1:plan")
    assert.include(await refused("reject", "issue-one.1:plan"), "A no needs its reason")
    assert.include(await refused("answer", "issue-one.1:plan", "words"), "yes or no")
    assert.include(await refused("answer", "issue-one.1:plan"), "--json-answer")
    assert.include(await refused("tell", "issue-one.1", "Hurry"), "No agent works in the run issue-one.1")
    await refused("list", "--status", "Sleeping")
    await refused("cancel", "issue-one.1")
    await refused("nonsense")
  }, 60_000)

  it("answers no gate of a run that is over, and shows what the run came to", async () => {
    await left("a")
    await done("reject", "a.1:plan", "--note", "too dear")
    await left("a")
    assert.include(await refused("approve", "a.1:plan"), "before, and differently")
    assert.strictEqual((await json("show", "a.1")).status._tag, "Parked")
    assert.match(await done("show", "a.1"), /Parked: .*too dear/)
    assert.match(await done("tail", "a.1"), /Parked/)
  }, 60_000)

  it("shows names whole, what a run waits for, and nothing that only a program reads", async () => {
    const item = "a-name-that-is-longer-than-any-column-was"
    await left(item)
    const [head = "", row = ""] = (await done("list")).split("\n")
    assert.match(head, /^RUN +STATUS +AGE +LINE +USED +TITLE$/, "a column that nothing stands in is shown")
    assert.strictEqual(head.indexOf("STATUS"), row.indexOf("Waiting for plan, "), "the columns are not straight")
    assert.isTrue(row.startsWith(`${item}.1  `), row)
    assert.match(row, /\d+s +Sample +1 stage /)
    const page = await done("show", `${item}.1`)
    assert.include(page, `npx -y pnpm@12.18.0 line approve ${item}.1:plan --store ${store}`, "how it is answered")
    assert.match(page, /^ {2}gate-plan-open +\d+ms {2}asks plan$/m, "the stage that can be gone back to")
    await done("approve", `${item}.1:plan`, "--note", "go on")
    assert.match(await done("show", `${item}.1`), /^ +yes: go on$/m)
    for (const printed of [page, await done("show", `${item}.1`), await done("list")]) {
      assert.notMatch(printed, /[{}\p{Cc}](?<!\n)/u, "JSON or colours, and nobody asked for them")
    }
  }, 60_000)

  it("makes no store, and finds those that there are", async () => {
    const nothing = await refused("list")
    assert.include(nothing, store)
    for (const command of [["approve", "a.1:plan"], ["tail"], ["show", "a.1"], ["resume", "a.1"]])
      await refused(...command)
    assert.deepStrictEqual(readdirSync(folder), [], "looking made something")
    const git = (...args: ReadonlyArray<string>) => spawnSync("git", ["-C", folder, ...args])
    git("init", "-q")
    const around = (...args: ReadonlyArray<string>) =>
      Child.start(process.execPath, [main, ...args], { cwd: folder }).ended
    const looked = await around("list")
    assert.strictEqual(looked.code, 2, looked.stdout)
    for (const place of [join(".git", "millwright", "factory.db"), join(".millwright", "*", "factory.db")]) {
      assert.include(looked.stderr, place, "it does not say where it looked")
    }
    const night = join(".millwright", "night", "factory.db")
    store = join(folder, night)
    await left("a")
    assert.match((await around("list")).stdout, /^a\.1 /m, "the only store of an example")
    assert.include(await refusedWith(around("show", "a.2")), "Did you mean a.1?")
    const day = join(".millwright", "day", "repository", ".git", "millwright", "factory.db")
    store = join(folder, day)
    await left("a", "b")
    const both = await around("list")
    assert.match(both.stdout, /^Store .*day[^]*^b\.1 [^]*^Store .*night[^]*^a\.1 /m, "both stores of examples")
    const { runs } = JSON.parse((await around("list", "--json")).stdout)
    assert.deepStrictEqual(
      runs.map(({ status, store }: { status: { run: string }; store: string }) => [status.run, store]),
      [
        ["a.1", day],
        ["b.1", day],
        ["a.1", night]
      ]
    )
    assert.match((await around("list", "--item", "b")).stdout, /^Store .*day[^]*^b\.1 (?![^]*night)/m, "an empty table")
    assert.match((await around("list", "--item", "z")).stdout, /^No run is as asked for, of 3\.$/m)
    assert.match((await around("show", "b.1")).stdout, /^Run +b\.1/, "the store is the one that the run is in")
    const answered = await around("approve", "b.1:plan")
    assert.strictEqual(answered.code, 0, answered.stderr)
    for (const ambiguous of [["show", "a.1"], ["approve", "a.1:plan"], ["tail"]]) {
      const said = await refusedWith(around(...ambiguous))
      assert.include(said, `${day}, ${night}`, "it does not say which stores there are")
    }
    assert.include(await refusedWith(around("show", "c.1")), "Did you mean a.1")
    const usual = join(folder, ".git", "millwright", "factory.db")
    store = usual
    await left("c")
    const { stdout } = await around("list")
    assert.match(stdout, /^c\.1 /m, "the store of the repository around")
    assert.notMatch(stdout, /^[ab]\.1 /m, "a store of an example, although the repository has its own")
    store = folder
    assert.match(await done("list"), /^c\.1 /m, "a repository names its store")
  }, 60_000)

  it("leaves the store as it was when it only looks, also where it may not write", async () => {
    await left("a")
    const files = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs])
    const before = files()
    await done("list")
    await done("show", "a.1")
    assert.deepStrictEqual(files(), before)
    rmSync(`${store}-runners`, { recursive: true })
    chmodSync(store, 0o444)
    chmodSync(folder, 0o555)
    // The superuser may write anywhere.
    const user = process.getuid?.() === 0 ? { uid: 65_534 } : {}
    try {
      for (const args of [["list"], ["show", "a.1"]]) {
        const [command = "", ...rest] = words(...args)
        const { code, stderr, stdout } = await Child.start(command, rest, { cwd: "/", ...user }).ended
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, "a.1")
      }
      const [command = "", ...rest] = words("approve", "a.1:plan")
      const { code, stderr } = await Child.start(command, rest, { cwd: "/", ...user }).ended
      assert.strictEqual(code, 1, "a store that can not be written is no bad input")
      assert.include(stderr, store)
    } finally {
      chmodSync(folder, 0o755)
    }
  }, 60_000)

  it("ends quietly when nobody reads any more", async () => {
    await left(...Array.from({ length: 400 }, (_, index) => `item-${index}`))
    // Each is more than a pipe holds, so the writer notices.
    for (const args of [
      ["list", "--json"],
      ["tail", "--json"]
    ]) {
      const { child, ended } = Child.start(process.execPath, [main, ...args, "--store", store])
      child.stdout?.once("data", () => child.stdout?.destroy())
      const { code, stderr } = await ended
      assert.strictEqual(stderr, "", `${args.join(" ")} complained`)
      assert.strictEqual(code, 0, args.join(" "))
    }
  }, 120_000)

  it("explains each command, with examples", async () => {
    for (const command of [
      "list",
      "show",
      "tail",
      "cancel",
      "resume",
      "rewind",
      "fork",
      "approve",
      "reject",
      "answer"
    ]) {
      assert.include(await done(command, "--help"), `pnpm@12.18.0 line ${command}`)
    }
    assert.isFalse(existsSync(store))
  }, 60_000)
})

const hasTerminal = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0

describe.skipIf(!hasTerminal)("line list in a terminal (needs script(1))", () => {
  it("fits into it, keeps the ends of names, and has colours unless they are not wanted", async () => {
    const item = "a-rather-long-name-of-an-item-that-does-not-fit"
    await left(item)
    const listed = async (env: Readonly<Record<string, string>>) => {
      const { code, stdout } = await Child.inTerminal(words("list"), { columns: 60, rows: 20 }, { env }).ended
      assert.strictEqual(code, 0, stdout)
      return stdout
    }
    const coloured = await listed({ TERM: "xterm" })
    assert.include(coloured, "\u001b[33mWaiting", "no colours")
    const lines = stripVTControlCharacters(coloured).split(/\r?\n/)
    for (const each of lines) assert.isAtMost(Text.width(each), 60, `wider than the terminal: ${each}`)
    assert.match(lines[1] ?? "", /^….*-fit\.1 +Waiting for plan/, "the end of the name is what was cut")
    assert.notInclude(await listed({ TERM: "xterm", NO_COLOR: "1" }), "\u001b", "colours that nobody wants")
  }, 60_000)
})

describe.skipIf(!hasTerminal)("line tail in a terminal (needs script(1))", () => {
  /** The pictures that were drawn, without colours. */
  const pictures = (output: string) =>
    output
      .split("\u001b[?2026h")
      .slice(1)
      .map((picture) => picture.split("\u001b[?2026l")[0] ?? "")

  it("draws in place, within 40 columns, whatever the titles are, and ends with the run", async () => {
    const factory = await living("a-rather-long-name-of-an-item")
    const run = "a-rather-long-name-of-an-item.1"
    const tail = Child.inTerminal(words("tail", run), { columns: 40, rows: 8 })
    await tail.said(/Waiting/)
    await done("approve", `${run}:plan`)
    await done("answer", `${run}:name`, "done")
    const { code, stdout } = await tail.ended
    assert.strictEqual(code, 0, stdout)
    await factory.ended
    const drawn = pictures(stdout)
    assert.isAbove(drawn.length, 1, stdout)
    for (const picture of drawn) {
      for (const steering of ["\u001b[2J", "\u001b]", "\u202e"]) {
        assert.notInclude(picture, steering, "a title steered the terminal")
      }
      for (const each of stripVTControlCharacters(picture).split(/\r?\n/)) {
        assert.isBelow(Text.width(each.replace("\r", "")), 40, `wider than the terminal: ${each}`)
      }
    }
    assert.isTrue(
      drawn.slice(1).every((picture) => picture.startsWith("\u001b[1A\r")),
      "it was drawn below and not in place"
    )
    assert.match(drawn.at(-1) ?? "", /Finished/)
    assert.isBelow(stdout.lastIndexOf("\u001b[?25l"), stdout.lastIndexOf("\u001b[?25h"), "the cursor stayed hidden")
  }, 60_000)

  it("shows as many runs as there is room for, without colours where none are wanted", async () => {
    await left(...Array.from({ length: 12 }, (_, index) => `item-${index}`))
    const tail = Child.inTerminal(words("tail"), { columns: 100, rows: 6 }, { env: { NO_COLOR: "1" } })
    await tail.said(/and 8 more/)
    tail.child.stdin?.write("\u0003")
    const { code, stdout } = await tail.ended
    assert.strictEqual(code, 0, "Ctrl-C is how it ends")
    assert.isBelow(stdout.lastIndexOf("\u001b[?25l"), stdout.lastIndexOf("\u001b[?25h"), "the cursor stayed hidden")
    assert.notInclude(stdout, "\u001b[33m", "colours")
    assert.strictEqual(pictures(stdout)[0]?.match(/\n/g)?.length, 5, "more lines than the terminal has")
  }, 60_000)

  it("ends at Ctrl-C without a terminal too", async () => {
    await left("a")
    const tail = Child.start(process.execPath, [main, "tail", "--store", store])
    await tail.said(/a\.1/)
    tail.child.kill("SIGINT")
    const { code, stderr } = await tail.ended
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stderr, "")
  })
})

describe("line, steering", () => {
  it("says whether a process does what was asked for, or who will", async () => {
    await left("a", "b")
    assert.match(await done("approve", "b.1:plan"), /^Answered\. No process runs it now\./)
    const cancelled = await done("cancel", "a.1", "--reason", "not now")
    assert.match(cancelled, /stands in the journal\. No process runs it now\. .* undoes .* start the factory again\.$/m)
    assert.match(cancelled, /^a\.1 {2}Cancelled: not now {2}/m)
    assert.match(
      await done("cancel", "a.1", "--reason", "again"),
      /^It was cancelled before.*\na\.1 {2}Cancelled: not now /
    )
    const factory = await living("c")
    assert.match(await done("approve", "c.1:plan"), /^Answered\. The process that runs it goes on with it\.$/m)
    assert.match(await done("cancel", "c.1", "--reason", "x"), /The process that runs it undoes/)
    await factory.ended
  }, 60_000)

  it("cancels, rewinds and forks", async () => {
    await left("a", "b")
    const cancelled = await json("cancel", "a.1", "--reason", "a duplicate")
    assert.strictEqual(cancelled.status._tag, "Cancelled")
    assert.strictEqual(cancelled.status.reason, "a duplicate")
    assert.strictEqual((await json("cancel", "a.1", "--reason", "again")).status.reason, "a duplicate")
    assert.include(await refused("resume", "a.1"), "over")
    assert.notStrictEqual((await json("resume", "b.1")).status._tag, "Stalled")
    assert.strictEqual((await json("fork", "b.1", "--before", "gate-plan-open")).status.run, "b.2")
    const rewound = await json("rewind", "b.1", "--before", "plan")
    assert.isTrue(rewound.status.isUndoing, "what it forgets is to be undone first, by a process that has the line")
    await refused("rewind", "b.1", "--before", "no-such-stage")
    const { runs } = await json("list", "--item", "b")
    assert.deepStrictEqual(
      runs.map(({ status }: { status: { run: string } }) => status.run),
      ["b.1", "b.2"]
    )
  }, 60_000)

  it("stops a run that another process has", async () => {
    const factory = await living("a")
    assert.strictEqual((await json("cancel", "a.1", "--reason", "not now")).status._tag, "Cancelled")
    assert.strictEqual((await factory.ended).code, 0, "its process did not see that it is over")
  }, 60_000)
})
