/**
 * **Spare memory** for bytes: what one file was read into, the next one is. Memory that is made for each file stands about until it is
 * looked for, and thousands of files are read behind each other. Of those that are read at once, each has its own.
 */

const spare: Array<Buffer> = []

/** In bytes: what is larger is not kept. */
const most = 1024 * 1024

/** Memory for so many bytes at least, with whatever stands in it. */
export const take = (bytes: number): Buffer => {
  const at = spare.findIndex(({ length }) => length >= bytes)
  const [found] = at < 0 ? [] : spare.splice(at, 1)
  return found ?? Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)))
}

/** Gives it back. It must not be looked at any more. */
export const give = (bytes: Buffer): void => {
  if (bytes.length > 0 && bytes.length <= most && spare.length < 4) spare.push(bytes)
}
