/** What `stat` inside prints about a file, as Effect's `File.Info`. */
import * as ByteSize from "effect/ByteSize"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"

const types = new Map<number, FileSystem.File.Type>([
  [0o100000, "File"],
  [0o040000, "Directory"],
  [0o120000, "SymbolicLink"],
  [0o060000, "BlockDevice"],
  [0o020000, "CharacterDevice"],
  [0o010000, "FIFO"],
  [0o140000, "Socket"]
])

/** The kind that is in the upper bits of a mode. */
export const typeOf = (mode: number): FileSystem.File.Type => types.get(mode & 0o170000) ?? "Unknown"

/** `2024-01-02 03:04:05.123456789 +0000` of GNU and BusyBox, seconds of BSD; anything else is a time that is not known. */
const time = (text: string | undefined): Option.Option<Date> => {
  const [, day, clock] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(text ?? "") ?? []
  const date = day === undefined ? new Date(Number(text || Number.NaN) * 1_000) : new Date(`${day}T${clock}Z`)
  return Number.isNaN(date.getTime()) ? Option.none() : Option.some(date)
}

/** Reads the line that `info` of the scripts prints. None when it is not one. */
export const parse = (line: string): Option.Option<FileSystem.File.Info> => {
  const fields = /^([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+) (\d+) (.*)$/.exec(line)
  if (fields === null) return Option.none()
  const [
    ,
    raw = "",
    dev = "",
    ino = "",
    nlink = "",
    uid,
    gid,
    major = "",
    minor = "",
    size = "",
    block = "",
    blocks = ""
  ] = fields
  const [atime, mtime, birthtime] = (fields[12] ?? "").split("|")
  const mode = Number.parseInt(raw, 16)
  return Option.some({
    type: typeOf(mode),
    mtime: time(mtime),
    atime: time(atime),
    birthtime: time(birthtime),
    dev: BigInt(dev),
    ino: Option.some(BigInt(ino)),
    mode,
    nlink: Option.some(BigInt(nlink)),
    uid: Option.some(Number(uid)),
    gid: Option.some(Number(gid)),
    rdev: Option.some((BigInt(`0x${major}`) << 8n) | BigInt(`0x${minor}`)),
    size: ByteSize.bytes(BigInt(size)),
    blksize: Option.some(ByteSize.bytes(BigInt(block))),
    blocks: Option.some(BigInt(blocks))
  })
}
