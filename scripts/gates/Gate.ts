/** A **gate** holds one rule over the whole repository. */

/** What a gate found. `failures` say what, where and how to mend it; `note` is a figure worth seeing when all is well. */
export interface Report {
  readonly failures: ReadonlyArray<string>
  readonly note?: string
}

/** Holds one rule. `run` takes the root of the repository to look at. */
export interface Gate {
  readonly name: string
  readonly about: string
  readonly run: (root: string) => Promise<Report>
}

/** A gate over what can be read at once. */
export const make = (name: string, about: string, look: (root: string) => Report): Gate => ({
  name,
  about,
  run: (root) => new Promise((resolve) => resolve(look(root)))
})
