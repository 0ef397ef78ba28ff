/** Pictures in answers of strangers: those that no model can look at are said in words, since a provider refuses every later request too. */
import type { Content } from "../ToolSource.ts"

type Picture = Extract<Content, { readonly type: "image" }>

/** The largest that is taken, in bytes of base64. */
const mostBytes = 5 * 1024 * 1024

/** The longest side that is taken, in pixels. */
const longestSide = 8_000

/** How many of one answer are taken. */
const most = 20

/** The pictures that a model can look at, and what is said of the others. */
export const sorted = (
  pictures: ReadonlyArray<Picture>
): { readonly taken: ReadonlyArray<Picture>; readonly notes: ReadonlyArray<string> } => {
  const taken: Array<Picture> = []
  const notes: Array<string> = []
  for (const picture of pictures) {
    const wrong = taken.length === most ? `an answer has at most ${most}` : problem(picture)
    if (wrong === undefined) taken.push(picture)
    else if (notes.length < most) notes.push(`[${picture.mediaType}: not passed on: ${wrong}]`)
  }
  return { taken, notes }
}

const problem = ({ data, mediaType }: Picture): string | undefined => {
  if (data.length > mostBytes) return `it has ${data.length} bytes of base64, and at most ${mostBytes} are taken`
  const looks = looksLike[mediaType]
  if (looks === undefined) return "no model takes this type"
  const bytes = Buffer.from(data, "base64")
  if (!isBase64(data) || !looks(bytes)) return "it is none of that type"
  return mediaType === "image/png" && !hasSides(bytes) ? `its sides are not of 1 to ${longestSide} pixels` : undefined
}

const isBase64 = (data: string): boolean => data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data)

const looksLike: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  "image/png": (bytes) => bytes.subarray(0, 8).toString("latin1") === "\u0089PNG\r\n\u001a\n" && bytes.length >= 33,
  "image/jpeg": (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
  "image/gif": (bytes) => /^GIF8[79]a/.test(bytes.subarray(0, 6).toString("latin1")),
  "image/webp": (bytes) => /^RIFF[^]{4}WEBP/.test(bytes.subarray(0, 12).toString("latin1"))
}

const hasSides = (bytes: Buffer): boolean =>
  [16, 20].every((at) => bytes.readUInt32BE(at) >= 1 && bytes.readUInt32BE(at) <= longestSide)
