/** What every agent is told at the end of its system prompt. */
import * as Untrusted from "../Untrusted.ts"

/** The rules that hold for all agents, whatever their skill says. */
export const text = `# Rules of the house
${Untrusted.rule}
Never print, read or send environment variables, keys or tokens.
End by calling the \`outcome\` tool once. If something that you need is missing, say so in the outcome and do not guess.`
