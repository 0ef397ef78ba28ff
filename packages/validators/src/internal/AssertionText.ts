/** An assertion as people read it. */
import type * as Contract from "@millwright/core/Contract"

/** How a machine decides an assertion, in words. */
export const check = (one: Contract.Check): string => {
  switch (one._tag) {
    case "Command":
      return `decided by: ${one.run}`
    case "Changed":
      return `at least ${one.least} of ${one.paths.join(", ")} changed`
    case "File":
      return one.is._tag === "NotEmpty"
        ? `there is ${one.path}, not empty`
        : `there is ${one.path}, ${one.is._tag === "Json" ? `JSON of ${JSON.stringify(one.is.schema ?? {})}` : `with the sections ${one.is.sections.join(", ")}`}`
    case "Scenario":
      return `scenario ${one.scenario}`
  }
}

/** An assertion in one line, all of it. */
export const assertion = ({
  check: decided,
  essential,
  from,
  kind,
  statement,
  weight
}: Omit<Contract.Assertion, "id">): string => {
  const more = [
    ...(kind === undefined ? [] : [kind]),
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(essential === undefined ? [] : ["essential"]),
    ...(decided === undefined ? [] : [check(decided)])
  ]
  return more.length === 0 ? statement : `${statement} (${more.join("; ")})`
}
