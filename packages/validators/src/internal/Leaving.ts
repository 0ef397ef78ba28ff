/** Whether a step names a place that is not below the app, by its text alone. A surface looks again, at the address that comes of it. */
import type * as Step from "../Step.ts"

/** An address that begins with a scheme, or with a host. Browsers take `\` for `/`, and leave out controls. */
const isElsewhere = (address: string, origins: ReadonlyArray<string>): boolean => {
  const plain = [...address]
    .filter((character) => character > " ")
    .join("")
    .replaceAll("\\", "/")
  if (URL.canParse(plain) && origins.includes(new URL(plain).origin)) return false
  return /^[a-z][a-z\d+.-]*:/i.test(plain) || plain.startsWith("//")
}

/** Whether it leads out of the app, and to none of the origins. */
export const leaves = (step: Step.Step, origins: ReadonlyArray<string>): boolean => {
  if (step._tag !== "Act") return false
  if (step.action._tag === "Visit") return isElsewhere(step.action.address, origins)
  return step.action._tag === "Request" && isElsewhere(step.action.path, origins)
}
