/**
 * What every harness holds to: each promise of the port, with real tools on real files and processes. An adapter proves
 * itself with one line:
 *
 * ```text
 * HarnessTest.suite("MyHarness", (turns) => MyHarness.layer({ agentThatDoes: turns }), NodeServices.layer)
 * ```
 *
 * Processes that the agent starts have to run on this machine, so that the suite can see them gone.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, watch, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Harness from "../Harness.ts"
import * as DelegationClaims from "./DelegationClaims.ts"
import * as HookClaims from "./HookClaims.ts"
import type * as ScriptedHarness from "./ScriptedHarness.ts"

/**
 * A harness whose agent does what the turns say, and the journal that it writes to. `agents` are the turns of its sub-agents by
 * their roles, for one that supports them.
 */
export type Subject = (
  turns: ReadonlyArray<ScriptedHarness.Turn>,
  agents: DelegationClaims.Script["agents"]
) => Layer.Layer<Harness.Harness | Journal.Journal, unknown, Harness.Workplace>

/** Registers the tests of a harness with vitest. `host` gives the services of this machine. */
export const suite = (name: string, subject: Subject, host: Layer.Layer<Harness.Workplace>): void => {
  describe(`Harness: ${name}`, () => {
    const test = (title: string, claim: (lab: Lab) => Effect.Effect<void, unknown, Scope.Scope | Harness.Workplace>) =>
      // The real clock: processes and the wire do not wait for a test clock.
      it.live(title, () =>
        open(subject).pipe(Effect.flatMap(claim), Effect.scoped, Effect.provide(host, { local: true }))
      )

    describe("events", () => {
      test("a run ends with exactly one Ended, and nothing follows it", oneEnd)
      test("the outcome is what the agent gave, whatever its shape", givenOutcome)
      test("what the agent says, its turns and its tools are told in order", told)
      test("a run that ends without an outcome fails with NoOutcome and has no Ended", noOutcome)
      test("a run that takes more turns than it may fails with TooManyTurns and has no Ended", tooManyTurns)
    })
    describe("tools", () => {
      test("run in the workplace of the call, never in that of the layer", ownWorkplace)
      test("of two runs at once do not meet", sideBySide)
      test("are refused when they are called without a grant, and the agent goes on", grants)
      test("are in the journal, as facts of the role", recorded)
    })
    describe("sessions", () => {
      test("go on where they ended, also after a way through JSON", goesOn)
      test("of another harness, or damaged ones, are refused", foreign)
    })
    describe("sub-agents", () => {
      test("are refused where there can be none, and where they may do more than their role", (lab) =>
        Effect.flatMap(bench(lab, { turns: [done], agents: {} }), DelegationClaims.refused))
      test("work in the workplace of their parent with their own grants, and their facts are theirs", (lab) =>
        ifAny(lab, DelegationClaims.delegating, DelegationClaims.delegated))
      test("end with their parent, and so do their processes", (lab) =>
        ifAny(lab, DelegationClaims.endless(endless), delegatesEndlessly))
    })
    test("a conversation is gone on with by its name where it is kept, and begins anew elsewhere", (lab) =>
      Effect.flatMap(bench(lab, { turns: DelegationClaims.leaving, agents: {} }), (bench) =>
        DelegationClaims.kept(bench, () => bench.place.text("log").length / 2)
      ))
    test("a request with hooks at its tools goes by them, or is refused", (lab) =>
      Effect.flatMap(bench(lab, { turns: HookClaims.turns, agents: {} }), HookClaims.heeded))
    test("a hook that fails or hangs ends the run, and is named", (lab) =>
      Effect.flatMap(bench(lab, { turns: HookClaims.turns, agents: {} }), HookClaims.closed))
    describe("interruption", () => {
      test("ends the processes of the tools", interrupted)
      test("a reader that goes away ends the run and its processes", abandoned)
    })
  })
}

interface Lab {
  /** A harness whose agent does what the turns say. It is made in a workplace that no run is given. */
  readonly make: (
    ...turns: ReadonlyArray<ScriptedHarness.Turn>
  ) => Effect.Effect<Made, unknown, Scope.Scope | Harness.Workplace>
  /** The same with sub-agents. */
  readonly play: (script: DelegationClaims.Script) => ReturnType<Lab["make"]>
  /** A folder, and the workplace in it. */
  readonly place: Effect.Effect<Place, never, Scope.Scope | Harness.Workplace>
}

interface Made {
  readonly harness: Harness.Harness["Service"]
  readonly journal: Journal.Journal["Service"]
  /** The files in the workplace that the layer was built in. */
  readonly leaked: () => ReadonlyArray<string>
}

interface Place {
  readonly folder: string
  readonly services: Context.Context<Harness.Workplace>
  readonly has: (file: string) => boolean
  readonly text: (file: string) => string
}

const open = (subject: Subject): Effect.Effect<Lab> =>
  Effect.succeed({
    place,
    make: (...turns) => made(subject, { turns, agents: {} }),
    play: (script) => made(subject, script)
  })

const made = Effect.fnUntraced(function* (subject: Subject, { agents, turns }: DelegationClaims.Script) {
  const own = yield* place
  const built = yield* Effect.provideContext(Layer.build(subject(turns, agents)), own.services)
  return {
    harness: Context.get(built, Harness.Harness),
    journal: Context.get(built, Journal.Journal),
    leaked: () => readdirSync(own.folder)
  }
})

const place: Lab["place"] = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "millwright-harness-")))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  )
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const services = Context.make(FileSystem.FileSystem, rooted(folder, yield* FileSystem.FileSystem)).pipe(
    Context.add(Path.Path, { ...path, resolve: (...parts: ReadonlyArray<string>) => path.resolve(folder, ...parts) }),
    Context.add(
      ChildProcessSpawner.ChildProcessSpawner,
      ChildProcessSpawner.make((command) => spawner.spawn(ChildProcess.setCwd(command, folder)))
    )
  )
  return {
    folder,
    services,
    has: (file: string) => existsSync(join(folder, file)),
    text: (file: string) => readFileSync(join(folder, file), "utf8")
  }
})

/** The host's files, with relative paths read from a folder. It confines nothing: what is tested here is not hostile. */
const rooted = (folder: string, files: FileSystem.FileSystem): FileSystem.FileSystem => {
  const at = (path: string) => (path.startsWith("/") ? path : join(folder, path))
  return FileSystem.make({
    ...files,
    access: (path, options) => files.access(at(path), options),
    chmod: (path, mode) => files.chmod(at(path), mode),
    copy: (from, to, options) => files.copy(at(from), at(to), options),
    copyFile: (from, to) => files.copyFile(at(from), at(to)),
    lstat: (path) => files.lstat(at(path)),
    makeDirectory: (path, options) => files.makeDirectory(at(path), options),
    open: (path, options) => files.open(at(path), options),
    readDirectory: (path, options) => files.readDirectory(at(path), options),
    readDirectoryEntries: (path) => files.readDirectoryEntries(at(path)),
    readFile: (path) => files.readFile(at(path)),
    readLink: (path) => files.readLink(at(path)),
    realPath: (path) => files.realPath(at(path)),
    remove: (path, options) => files.remove(at(path), options),
    rename: (from, to) => files.rename(at(from), at(to)),
    stat: (path) => files.stat(at(path)),
    truncate: (path, length) => files.truncate(at(path), length),
    watch: (path, options) => files.watch(at(path), options),
    writeFile: (path, data, options) => files.writeFile(at(path), data, options)
  })
}

const Outcome = Schema.Struct({ answer: Schema.Json })

const request = (changes: Partial<Harness.Request> = {}): Harness.Request => ({
  role: "Tester",
  tier: "small",
  system: "Role: Tester\n\nYou try a harness out.",
  prompt: "Try it.",
  grants: ["read", "grep", "edit", "write", "bash"],
  outcome: Schema.toCodecJson(Outcome),
  maxTurns: 10,
  ...changes
})

const stream = ({ harness }: Made, { services }: Place, changes?: Partial<Harness.Request>) =>
  Stream.provideContext(harness.run(request(changes)), services)

/** The events of a run, and how it ended. */
const observe = Effect.fnUntraced(function* (made: Made, place: Place, changes?: Partial<Harness.Request>) {
  const events: Array<Harness.HarnessEvent> = []
  const exit = yield* Effect.exit(
    Stream.runForEach(stream(made, place, changes), (event) => Effect.sync(() => events.push(event)))
  )
  return { events, exit }
})

/** The last event of a run that has to come to an outcome. */
const ended = Effect.fnUntraced(function* (made: Made, place: Place, changes?: Partial<Harness.Request>) {
  const { events, exit } = yield* observe(made, place, changes)
  const last = events.at(-1)
  if (Exit.isFailure(exit) || last?._tag !== "Ended") {
    return assert.fail(`The run has no outcome. Its last event is ${last?._tag}, and it ended with ${String(exit)}`)
  }
  return last
})

const failure = Effect.fnUntraced(function* (made: Made, place: Place, changes?: Partial<Harness.Request>) {
  const { events, exit } = yield* observe(made, place, changes)
  assert.notInclude(
    events.map(({ _tag }) => _tag),
    "Ended",
    "A run that fails has no Ended"
  )
  const error = yield* Effect.flip(exit)
  assert.instanceOf(error, Harness.HarnessError)
  return error instanceof Harness.HarnessError ? error.reason : undefined
})

const done = { outcome: { answer: "done" } }
const bash = (script: string): ScriptedHarness.Turn => ({ calls: [{ tool: "bash", arguments: { script } }] })

const oneEnd = Effect.fnUntraced(function* (lab: Lab) {
  const made = yield* lab.make({ text: "I look." }, { ...bash("true"), text: "And now?" }, done)
  const { events, exit } = yield* observe(made, yield* lab.place)
  assert.isTrue(Exit.isSuccess(exit), String(exit))
  assert.deepStrictEqual(
    events.flatMap(({ _tag }, index) => (_tag === "Ended" ? [index] : [])),
    [events.length - 1],
    "There is not exactly one Ended, or something follows it"
  )
})

const givenOutcome = Effect.fnUntraced(function* (lab: Lab) {
  const nested = {
    answer: { text: 'a "quoted" line\n\u0000 and 🚆', list: [1, null, { deep: true }], "": "empty name" }
  }
  // Decoding is the caller's: what does not fit its schema comes all the same.
  for (const outcome of [nested, { answer: null }, { something: "else" }]) {
    const last = yield* ended(yield* lab.make({ outcome }), yield* lab.place)
    assert.deepStrictEqual(last.outcome, outcome, "The outcome is not what the agent gave")
  }
})

const told = Effect.fnUntraced(function* (lab: Lab) {
  const made = yield* lab.make({ text: "I look.", ...bash("echo $((6 * 7)) > answer") }, done)
  const { events } = yield* observe(made, yield* lab.place)
  const texts = events.flatMap((event) => (event._tag === "Text" ? [event.text] : []))
  assert.strictEqual(texts.join(""), "I look.")
  const turns = events.flatMap((event) => (event._tag === "Turn" ? [event.number] : []))
  assert.deepStrictEqual(turns, [1, 2], "Turns are counted from 1")
  const tools = events.flatMap((event) =>
    event._tag === "ToolStarted" || event._tag === "ToolEnded" ? [`${event._tag} ${event.tool}`] : []
  )
  assert.deepStrictEqual(tools, ["ToolStarted bash", "ToolEnded bash"])
  const started = events.find((event) => event._tag === "ToolStarted")
  assert.include(
    started?._tag === "ToolStarted" ? started.summary : "",
    "echo",
    "The summary does not say what is done"
  )
})

const noOutcome = Effect.fnUntraced(function* (lab: Lab) {
  const made = yield* lab.make({ text: "All done." }, { text: "Really." })
  assert.strictEqual(yield* failure(made, yield* lab.place), "NoOutcome")
})

const tooManyTurns = Effect.fnUntraced(function* (lab: Lab) {
  const place = yield* lab.place
  const made = yield* lab.make(bash("echo >> turns"), bash("echo >> turns"), bash("echo >> turns"), done)
  assert.strictEqual(yield* failure(made, place, { maxTurns: 2 }), "TooManyTurns")
  assert.isAtMost(place.text("turns").length, 2, "It went on after the last turn that it may take")
})

const ownWorkplace = Effect.fnUntraced(function* (lab: Lab) {
  const [one, two] = [yield* lab.place, yield* lab.place]
  writeFileSync(join(two.folder, "only-in-two"), "here\n")
  const made = yield* lab.make(
    bash("pwd -P > where"),
    { calls: [{ tool: "write", arguments: { path: "written", content: "x\n" } }] },
    { calls: [{ tool: "read", arguments: { path: "only-in-two" } }] },
    done
  )
  for (const [place, reads] of [
    [one, false],
    [two, true]
  ] as const) {
    const { events } = yield* observe(made, place)
    assert.deepStrictEqual(made.leaked(), [], "A tool worked in the workplace that the layer was built in")
    assert.strictEqual(place.has("where") ? place.text("where").trim() : "", place.folder, "A command ran elsewhere")
    assert.isTrue(place.has("written"), "A file was written elsewhere")
    const ok = events.flatMap((event) => (event._tag === "ToolEnded" ? [event.ok] : []))
    assert.deepStrictEqual(ok, [true, true, reads], "A file was read elsewhere")
  }
})

const sideBySide = Effect.fnUntraced(function* (lab: Lab) {
  const places = yield* Effect.all(Array.from({ length: 4 }, () => lab.place))
  const made = yield* lab.make(bash("pwd -P >> where"), bash("pwd -P >> where"), done)
  yield* Effect.forEach(places, (place) => ended(made, place), { concurrency: "unbounded" })
  for (const { folder, text } of places) {
    assert.strictEqual(text("where"), `${folder}\n${folder}\n`, "Two runs on one harness met")
  }
})

const grants = Effect.fnUntraced(function* (lab: Lab) {
  const made = yield* lab.make(
    bash("echo x > ran"),
    {
      calls: [
        { tool: "write", arguments: { path: "written", content: "x" } },
        { tool: "toString", arguments: {} }
      ]
    },
    { calls: [{ tool: "read", arguments: { path: "there" } }] },
    done
  )
  const place = yield* lab.place
  writeFileSync(join(place.folder, "there"), "here\n")
  const { events, exit } = yield* observe(made, place, { grants: ["read"] })
  assert.isFalse(place.has("ran"), "A command ran without a grant")
  assert.isFalse(place.has("written"), "A file was written without a grant")
  const ok = events.flatMap((event) => (event._tag === "ToolEnded" ? [`${event.tool} ${event.ok}`] : []))
  assert.deepStrictEqual(ok, ["bash false", "write false", "toString false", "read true"])
  assert.isTrue(Exit.isSuccess(exit), "A refused tool is no failure of the run")
})

const recorded = Effect.fnUntraced(function* (lab: Lab) {
  const made = yield* lab.make(
    { ...bash("echo 12345") },
    { calls: [{ tool: "read", arguments: { path: "no" } }] },
    done
  )
  const actor = { _tag: "Agent", role: "Tester" } as const
  yield* ended(made, yield* lab.place).pipe(Journal.as(actor))
  const events = yield* Stream.runCollect(made.journal.read())
  const calls = events.flatMap((event) => (event.fact._tag === "ToolCalled" ? [{ ...event, fact: event.fact }] : []))
  assert.deepStrictEqual(
    calls.map(({ actor, fact }) => [actor, fact.tool, fact.ok]),
    [
      [actor, "bash", true],
      [actor, "read", false]
    ]
  )
  assert.include(calls[0]?.fact.summary, "echo 12345")
  assert.isAtLeast(calls[0]?.fact.outputBytes ?? 0, 5)
})

const goesOn = Effect.fnUntraced(function* (lab: Lab) {
  const place = yield* lab.place
  const made = yield* lab.make(bash("echo one >> log"), { outcome: { answer: 1 } }, bash("echo two >> log"), {
    outcome: { answer: 2 }
  })
  const first = yield* ended(made, place)
  assert.deepStrictEqual(first.outcome, { answer: 1 })
  const session: Harness.Session = JSON.parse(JSON.stringify(first.session))
  const second = yield* ended(made, place, { session, prompt: "And now?" })
  assert.deepStrictEqual(second.outcome, { answer: 2 }, "The conversation began anew")
  assert.strictEqual(place.text("log"), "one\ntwo\n", "Tools of the earlier conversation ran again")
  // Taking up a session does not use it up: a replay may do it twice.
  assert.deepStrictEqual((yield* ended(made, place, { session })).outcome, { answer: 2 })
})

const foreign = Effect.fnUntraced(function* (lab: Lab) {
  const place = yield* lab.place
  const made = yield* lab.make(done)
  const sessions: ReadonlyArray<Harness.Session> = [
    { harness: "another", data: (yield* ended(made, place)).session.data },
    { harness: made.harness.name, data: { no: "session" } },
    { harness: made.harness.name, data: null }
  ]
  for (const session of sessions) {
    assert.strictEqual(yield* failure(made, place, { session }), "Broken", JSON.stringify(session).slice(0, 80))
  }
})

/** One that has ended is not alive, also while nobody has asked for how: a process without a parent waits for init to do that. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return process.platform !== "linux" || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

/** Completes when a process in the workplace has said its number in a file. */
const announced = Effect.fnUntraced(function* (place: Place) {
  const said = yield* Deferred.make<number>()
  const look = () => {
    const text = place.has("pid") ? place.text("pid") : ""
    if (text.endsWith("\n")) Deferred.doneUnsafe(said, Effect.succeed(Number(text)))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => watch(place.folder, look)),
    (watcher) => Effect.sync(() => watcher.close())
  )
  return Deferred.await(said)
})

const endless = bash("sleep 300 & echo $! > child; echo $$ > pid; wait")

const expectGone = (place: Place): void => {
  for (const file of ["pid", "child"]) {
    assert.isFalse(isAlive(Number(place.text(file))), `The process of the tool (${file}) outlived the run`)
  }
}

const interrupted = Effect.fnUntraced(function* (lab: Lab) {
  const place = yield* lab.place
  const made = yield* lab.make(endless, done)
  const said = yield* announced(place)
  const fiber = yield* Effect.forkChild(observe(made, place))
  assert.isTrue(isAlive(yield* said), "It has to run before it is interrupted")
  yield* Fiber.interrupt(fiber)
  expectGone(place)
})

const abandoned = Effect.fnUntraced(function* (lab: Lab) {
  const place = yield* lab.place
  const made = yield* lab.make(endless, done)
  const said = yield* announced(place)
  yield* stream(made, place).pipe(
    Stream.tap((event) => (event._tag === "ToolStarted" ? said : Effect.void)),
    Stream.takeUntil((event) => event._tag === "ToolStarted"),
    Stream.runDrain
  )
  expectGone(place)
})

const bench = Effect.fnUntraced(function* (lab: Lab, script: DelegationClaims.Script) {
  const { harness, journal } = yield* lab.play(script)
  return { harness, journal, request: request(), place: yield* lab.place }
})

type Bench = Effect.Success<ReturnType<typeof bench>>

/** A claim about sub-agents, for a harness that can run any. */
const ifAny = <E, R>(lab: Lab, script: DelegationClaims.Script, claim: (bench: Bench) => Effect.Effect<void, E, R>) =>
  Effect.flatMap(bench(lab, script), (bench) =>
    Effect.suspend(() => (bench.harness.supports.subAgents ? claim(bench) : Effect.void))
  )

const delegatesEndlessly = Effect.fnUntraced(function* (bench: Bench) {
  yield* DelegationClaims.interrupted(bench, yield* announced(bench.place))
  expectGone(bench.place)
})
