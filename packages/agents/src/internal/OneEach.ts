/** Whether a list has one entry for each id that was given, and none for another. */

/** What is said of a list that has not. */
export interface Saying {
  readonly times: (id: string, times: number) => string
  readonly unknown: (id: string) => string
}

/** What is wrong: ids with no entry or with several, and entries of ids that nobody gave. */
export const problems = (
  ids: ReadonlyArray<string>,
  entries: ReadonlyArray<string>,
  say: Saying
): ReadonlyArray<string> => {
  const times = new Map<string, number>()
  for (const entry of entries) times.set(entry, (times.get(entry) ?? 0) + 1)
  const given = new Set(ids)
  return [
    ...ids.filter((id) => times.get(id) !== 1).map((id) => say.times(id, times.get(id) ?? 0)),
    ...[...times.keys()].filter((id) => !given.has(id)).map(say.unknown)
  ]
}
