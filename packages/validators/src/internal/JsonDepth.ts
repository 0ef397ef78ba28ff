/** How deep JSON is nested. What is parsed without recursion can be too deep for everything that comes after. */

/** Whether it is nested in more than so many levels. */
export const exceeds = (value: unknown, levels: number): boolean => {
  let row: ReadonlyArray<unknown> = [value]
  for (let level = 0; row.length > 0; level++) {
    row = row.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []))
    if (level >= levels && row.length > 0) return true
  }
  return false
}

/** As deep as a twin takes it. */
export const most = 200
