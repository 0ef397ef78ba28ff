/** What git takes for the name of a branch, as `git help check-ref-format` says it. */

// Git's lock file beside a ref makes its name longer, and most file systems end at 255 bytes.
const longest = 240

/** Whether git takes a text for the name of a branch. */
export const isBranch = (name: string): boolean =>
  name !== "" &&
  name.isWellFormed() &&
  !name.startsWith("-") &&
  !/\.\.|@\{|[\0-\x20\x7f~^:?*[\\]/.test(name) &&
  !name.endsWith(".") &&
  name
    .split("/")
    .every(
      (part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock") && Buffer.byteLength(part) <= longest
    )
