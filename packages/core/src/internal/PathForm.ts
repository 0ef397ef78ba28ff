/** What a path means to a disk that is not exact about names, and whether it means the same to every reader. */

/** A word of Latin letters with one among them that looks like one and is of another alphabet. */
const mixed =
  /\p{Script=Latin}[\p{M}\p{N}_]*[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]|[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}][\p{M}\p{N}_]*\p{Script=Latin}/u

/**
 * Whether a path means the same on every disk and to every reader: no control or invisible signs, no word in two alphabets, nothing that is not
 * UTF-8, no quotes or backslashes, no `.`, `..` or empty segment, no segment that ends in a dot or a space, at most 400 characters.
 */
export const isPlain = (path: string): boolean =>
  path.length <= 400 &&
  (/^[\w@+=~/. -]*$/.test(path) ||
    (!/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufffd"\\:]/u.test(path) &&
      path === path.normalize("NFC") &&
      !mixed.test(path))) &&
  !/(?:^|[/. ])(?:\/|$)/.test(path)

/** What a disk that is not exact about names takes a path for. */
export const fold = (path: string): string => {
  if (/^[\w@+=~/. -]*$/.test(path) && isPlain(path)) return path.toLowerCase()
  const visible = path
    .normalize("NFKC")
    .replaceAll(/[\p{C}\p{Default_Ignorable_Code_Point}"]/gu, "")
    .replaceAll("\\", "/")
    .toLowerCase()
  return visible
    .split("/")
    .reduce<ReadonlyArray<string>>((above, segment) => {
      if (segment === "..") return above.slice(0, -1)
      // An alternate stream of a file (`name::$DATA`) is the file; dots and spaces at the end are not kept.
      const name = segment.replace(/:.*$/, "").replace(/[. ]+$/, "")
      return name === "" ? above : [...above, name]
    }, [])
    .join("/")
}
