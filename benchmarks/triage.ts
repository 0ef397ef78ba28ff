/** How well the roles that judge new issues tell them apart. */
import * as Bench from "./Bench.ts"
import * as RoleFloor from "./RoleFloor.ts"
import * as Cases from "./triage/Cases.ts"
import * as Judge from "./triage/Judge.ts"
import * as Score from "./triage/Score.ts"

/** What is measured. */
export const description =
  "Dedupe and Triage over issues with known answers: what they tell apart, and what they let through"

/** What can be set. */
export const options = {
  issues: {
    type: "file",
    about: "the issues; benchmarks/data/triage/README.md has the shape (24 about the quickstart's program)"
  },
  repo: { type: "string", about: "the repository that the issues are about, with --issues (that of the quickstart)" },
  ...RoleFloor.options,
  sandbox: {
    type: "string",
    about: "worktree or bubblewrap; a real model runs commands (bubblewrap where one is real)"
  },
  slips: {
    type: "number",
    about: "the first issues of each kind that the rehearsed model takes for another",
    default: 0,
    least: 0
  }
} as const satisfies Bench.Options

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ issues, model, repo, sandbox, slips, usd }, progress) => {
  if (issues === undefined && repo !== undefined) throw new Bench.BadInput("--repo is for --issues of your own.")
  if (sandbox !== undefined && sandbox !== "worktree" && sandbox !== "bubblewrap") {
    throw new Bench.BadInput(`--sandbox takes worktree or bubblewrap, not "${sandbox}".`)
  }
  const cases = Cases.load(issues ?? Cases.own)
  const floor = await RoleFloor.make({ model, usd })
  const found = await Judge.all(cases, {
    floor,
    repository: repo,
    sandbox: sandbox ?? (floor.isRehearsed ? "worktree" : "bubblewrap"),
    slips,
    progress
  })
  const score = Score.of(cases, found.answers)
  return {
    figures: [...Score.figures(score), ...found.figures],
    notes: [
      floor.isRehearsed
        ? `The model is REHEARSED: it answers what the file says, but for ${slips} slips of each kind, and for duplicates whose original is not among the candidates. The figures show that the plumbing is exact, and nothing of any model.`
        : `The model is ${model}.`,
      ...found.answers.flatMap(({ fault, id }) => (fault === undefined ? [] : [`${id}: ${fault}`]))
    ],
    details: { score, answers: found.answers }
  }
}
