/**
 * What can be told of a write-ahead log before SQLite opens it. SQLite takes everything up to the first frame that does
 * not add up and forgets the rest, which is right for a process that was killed in the middle of a commit, and wrong
 * when commits stand behind the damage: then steps that are done would silently be done again.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs"

const headerSize = 32
const frameHeaderSize = 24

type Sum = readonly [number, number]

const add = (bytes: DataView, isLittle: boolean, [first, second]: Sum): Sum => {
  let a = first
  let b = second
  for (let at = 0; at < bytes.byteLength; at += 8) {
    a = (a + bytes.getUint32(at, isLittle) + b) >>> 0
    b = (b + bytes.getUint32(at + 4, isLittle) + a) >>> 0
  }
  return [a, b]
}

/** Says what is damaged in a log, `undefined` when nothing that was committed is lost. */
export const damage = (path: string): string | undefined => {
  const found = find(path)
  if (found === undefined) return undefined
  // Somebody may be writing to it, and be read half-way; damage stays.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  return find(path) === found ? found : undefined
}

/** The size of a log in bytes; 0 when there is none. Whoever closes the store last takes it away. */
export const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const find = (path: string): string | undefined => {
  if (size(path) <= headerSize) return undefined
  let file: number
  try {
    file = openSync(path, "r")
  } catch (error) {
    if (size(path) === 0) return undefined
    throw error
  }
  try {
    return look(file, fstatSync(file).size)
  } finally {
    closeSync(file)
  }
}

const look = (file: number, size: number): string | undefined => {
  const read = (at: number, length: number) => {
    const bytes = Buffer.alloc(length)
    readSync(file, bytes, 0, length, at)
    return new DataView(bytes.buffer, bytes.byteOffset, length)
  }
  if (size <= headerSize) return undefined
  const header = read(0, headerSize)
  // Room that was asked for before the power went, and that nothing was written to.
  if (new Uint8Array(header.buffer, header.byteOffset, headerSize).every((byte) => byte === 0)) return undefined
  const magic = header.getUint32(0)
  const pageSize = header.getUint32(8)
  const isLittle = magic === 0x377f0682
  const part = (view: DataView, from: number, length: number) =>
    new DataView(view.buffer, view.byteOffset + from, length)
  let sum = add(part(header, 0, 24), isLittle, [0, 0])
  if ((!isLittle && magic !== 0x377f0683) || sum[0] !== header.getUint32(24) || sum[1] !== header.getUint32(28)) {
    return "its header does not add up"
  }
  const salt = [header.getUint32(16), header.getUint32(20)] as const
  const frameSize = frameHeaderSize + pageSize
  let broken: number | undefined
  for (let number = 1; headerSize + number * frameSize <= size; number++) {
    const frame = read(headerSize + (number - 1) * frameSize, frameSize)
    const isOfThisLog = frame.getUint32(8) === salt[0] && frame.getUint32(12) === salt[1]
    if (broken === undefined) {
      sum = add(part(frame, frameHeaderSize, pageSize), isLittle, add(part(frame, 0, 8), isLittle, sum))
      if (!isOfThisLog || sum[0] !== frame.getUint32(16) || sum[1] !== frame.getUint32(20)) broken = number
    }
    // The last frame of a commit says how large the database then is.
    const isCommit = isOfThisLog && frame.getUint32(4) > 0
    if (broken !== undefined && number > broken && isCommit) {
      return `its frame ${broken} does not add up, and commits follow it`
    }
  }
  return undefined
}
