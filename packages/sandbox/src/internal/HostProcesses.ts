/** Processes of this machine, as `/proc` tells them. */
import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs"

// One for all: what `/proc` tells has no size, and Node would make a buffer of 64 KiB for each of its files, which are read
// by the thousand.
const buffer = Buffer.allocUnsafeSlow(64 * 1024)

const read = (path: string): string => {
  try {
    const file = openSync(path, "r")
    try {
      let text = ""
      // Less than a whole buffer can be a part: the kernel hands some files over by the page.
      for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer))
        text += buffer.toString("latin1", 0, size)
      return text
    } finally {
      closeSync(file)
    }
  } catch {
    // It has ended, or is another user's.
    return ""
  }
}

const list = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

interface Status {
  /** The letter that the kernel gives it. */
  readonly state: string
  readonly parent: number
  /** When it was started, in ticks since the machine was. */
  readonly started: string
}

/** None when it is gone. */
const status = (pid: number): Status | undefined => {
  const text = read(`/proc/${pid}/stat`)
  if (text === "") return undefined
  // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { state: fields[0] ?? "", parent: Number(fields[1]), started: fields[19] ?? "" }
}

const isRunning = (state: string): boolean => state !== "Z" && state !== "X" && state !== ""

/** When a living process was started, which tells it from a later one with its number. */
export const startOf = (pid: number): string | undefined => {
  const found = status(pid)
  return found !== undefined && isRunning(found.state) ? found.started : undefined
}

/** Whether it is halted, or has ended. */
export const isHalted = (pid: number): boolean => {
  const state = status(pid)?.state ?? ""
  return state === "T" || !isRunning(state)
}

/** Not every kernel lists children. */
const areListed = existsSync(`/proc/self/task/${process.pid}/children`)

/** The living children of a process. */
export const children = (pid: number): ReadonlyArray<number> => {
  const found = areListed
    ? list(`/proc/${pid}/task`).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" "))
    : list("/proc").filter((name) => /^\d+$/.test(name) && status(Number(name))?.parent === pid)
  return found.flatMap((child) => (child !== "" && startOf(Number(child)) !== undefined ? [Number(child)] : []))
}

/** A process that makes others faster than they are read would never be read to its end. */
const most = 20_000

/** All below a process, parents before their children. Of very many it is some. */
export const descendants = (pid: number): ReadonlyArray<number> => {
  const found = [...children(pid)]
  for (const one of found) {
    if (found.length >= most) break
    for (const child of children(one)) found.push(child)
  }
  return found
}

/** The environment that a process was started with, as one text. */
export const environment = (pid: number): string => read(`/proc/${pid}/environ`)

/**
 * Whether a process that showed no environment may have one: while it goes from one program to the next, the old one is gone
 * and the new one not there yet. One that was started without any is settled, and so is a thread of the kernel.
 */
export const isBetween = (pid: number): boolean => {
  try {
    readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return false
  }
  const text = read(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const [start, end] = [fields[47], fields[48]]
  return start === "0" || start !== end || environment(pid) !== ""
}

/** How long a process is given to show its environment, in milliseconds. */
export const settling = 1_000

/**
 * Living children of this process that have a mark, and whether there may be more: whoever is between two programs hides it.
 * Where it is known who can have it, nobody else is looked at.
 */
export const marked = (
  mark: string,
  known?: ReadonlyArray<number>
): { readonly found: ReadonlyArray<number>; readonly isSure: boolean } => {
  const living = known?.filter((pid) => startOf(pid) !== undefined) ?? children(process.pid)
  const looks = living.map((pid) => ({ pid, text: environment(pid) }))
  return {
    found: looks.filter(({ text }) => text.includes(mark)).map(({ pid }) => pid),
    isSure: !looks.some(({ pid, text }) => text === "" && isBetween(pid))
  }
}

/** The numbers of a process in the namespaces that it is in, the outermost first. */
export const numbers = (pid: number): ReadonlyArray<number> =>
  (/^NSpid:\s*(.*)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "").split(/\s+/).map(Number)

/** Sends a signal to whom it finds. */
export const send = (pids: ReadonlyArray<number>, signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended since it was seen.
    }
  }
}

/** Descriptors of this process that its children inherit: none of Node's own, but what whoever started it left open. */
export const leaks = (): ReadonlyArray<number> =>
  list("/proc/self/fdinfo").flatMap((name) => {
    const flags = /^flags:\s*([0-7]+)$/m.exec(read(`/proc/self/fdinfo/${name}`))?.[1]
    const isInherited = flags !== undefined && (Number.parseInt(flags, 8) & 0o2000000) === 0
    return isInherited && Number(name) > 2 ? [Number(name)] : []
  })
