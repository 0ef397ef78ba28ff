/**
 * What the commands of a cell started, as the host sees it. Each command is one **entry**: a child of this process that went
 * into the cell and waits there, with its own process namespace below it, whose first process is ours and ends with it.
 * Signals go to what that process started: never to itself, nor to what stands above it.
 */
import * as Effect from "effect/Effect"
import * as ProcessTree from "../ProcessTree.ts"
import * as HostProcesses from "./HostProcesses.ts"

/** In the environment of each entry, beside the mark of its command: which cell it is of. */
export const variable = "MILLWRIGHT_CELL"

/** The first process of the namespace of an entry; none while it is being made. */
const firstOf = (entry: number): number | undefined =>
  HostProcesses.children(entry)
    .flatMap(HostProcesses.children)
    .find((pid) => HostProcesses.numbers(pid).at(-1) === 1)

/** How long it may take until what was killed is gone, in milliseconds. */
const patience = 1_000

/** Ends what was started under a mark. Bounded: `grace` and a second. */
export const end = (
  { entries, mark }: ProcessTree.Tree,
  { grace, signal }: { readonly signal: NodeJS.Signals; readonly grace: number }
): Effect.Effect<void> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const asked = new Set<number>()
      const deadline = performance.now() + grace
      const settled = performance.now() + HostProcesses.settling
      // A second look: while children end, the kernel may leave one out of the list.
      const look = () =>
        entries === undefined
          ? [HostProcesses.marked(mark), HostProcesses.marked(mark)]
          : [HostProcesses.marked(mark, entries)]
      for (let looks = look(); ; looks = look()) {
        const left = new Set(looks.flatMap(({ found }) => found))
        const now = performance.now()
        const isSure = now > settled || looks.every(({ isSure }) => isSure)
        const late = now - deadline
        if ((left.size === 0 && isSure) || late > patience) return
        for (const entry of left) {
          const first = firstOf(entry)
          if (late >= 0 || signal === "SIGKILL") {
            // The kernel ends all that are in its namespace with it, however many they are and whatever they do.
            if (first !== undefined) HostProcesses.send([first], "SIGKILL")
            // It never got as far as to have a namespace.
            else if (late > patience / 2) HostProcesses.send([entry, ...HostProcesses.descendants(entry)], "SIGKILL")
          } else if (first !== undefined && !asked.has(entry)) {
            const members = HostProcesses.descendants(first)
            HostProcesses.send(members, signal)
            // One that is halted does not hear.
            HostProcesses.send(members, "SIGCONT")
            if (members.length > 0) asked.add(entry)
          }
        }
        yield* ProcessTree.pause(2)
      }
    })
  )

const members = (cell: string): ReadonlyArray<number> =>
  HostProcesses.marked(cell).found.flatMap((entry) => {
    const first = firstOf(entry)
    return first === undefined ? [] : [first, ...HostProcesses.descendants(first)]
  })

/** Halts all that runs in a cell. A command that is started later runs. */
export const halt = (cell: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const deadline = performance.now() + patience
    // Until nobody is left who could have started another one.
    for (let running = members(cell); running.length > 0 && performance.now() < deadline;) {
      HostProcesses.send(running, "SIGSTOP")
      yield* ProcessTree.pause(2)
      running = members(cell).filter((pid) => !HostProcesses.isHalted(pid))
    }
  })

/** Lets all that runs in a cell go on. */
export const proceed = (cell: string): Effect.Effect<void> =>
  Effect.sync(() => HostProcesses.send(members(cell), "SIGCONT"))
