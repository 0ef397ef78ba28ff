/** The build that all packages share. */
export { default } from "../../scripts/tsup.ts"
