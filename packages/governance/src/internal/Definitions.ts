/** The pinned definitions of all figures: what is divided by what, and what counts as unknown. */

/** What a figure is called, its unit and its definition. */
export interface Definition {
  readonly unit: string
  readonly definition: string
  readonly by?: string
}

const share = (definition: string, by?: string): Definition => ({
  unit: "share",
  definition,
  ...(by !== undefined && { by })
})

/** All figures, in the order in which people read them. */
export const definitions = {
  fullyAutomated: share(
    "Shipped changes that agents made and for which no human was needed / shipped changes. A human who merges what policy lets ship is none. Unknown: changes whose interventions were not all observed."
  ),
  semiAutomated: share(
    "Shipped changes with at least one stage done by an agent and at least one intervention / shipped changes. Unknown: changes whose interventions were not all observed."
  ),
  autonomy: share(
    "Shipped changes whose autonomy level is known / shipped changes. `by hand`: no agent had a part in it.",
    "level"
  ),
  throughput: {
    unit: "changes per week",
    definition:
      "Shipped changes / weeks of the window that are over. Unknown: pruned runs, which may have shipped something. By week for up to ten years.",
    by: "week"
  },
  costPerShipped: {
    unit: "USD per change",
    definition:
      "All money paid for models in the window, for failed and abandoned work too / shipped changes. Unknown: calls without a price or broken off, and pruned runs whose cost or time nobody knows; a lower bound where there are any."
  },
  humanHours: {
    unit: "hours per change",
    definition:
      "Measured hours of active human work in the window, of pruned runs at their end / shipped changes. Unknown: interventions whose active time nobody measured, those still open, and pruned runs whose people or time nobody knows; a lower bound where there are any."
  },
  efficiency: {
    unit: "changes per USD",
    definition:
      "Shipped changes / (money for models + active human hours x rate). Unknown: what is unknown of either; an upper bound where there is any."
  },
  roi: {
    unit: "USD per USD",
    definition:
      "Value of shipped changes, as given / (money for models + active human hours x rate). Unknown: what is unknown of the cost, and changes without a given value."
  },
  marginalRoi: {
    unit: "USD per USD",
    definition:
      "Value more than in the window before, of the same length / money for models more than there. No value where no more was paid. Unknown: what is unknown in both windows."
  },
  leadTime: {
    unit: "hours",
    definition:
      "From an item being queued, or its first run started, to its first change shipped: items begun in the window, followed to its end. Still open: censored there; not wanted any more: censored then. Unknown: pruned runs, and changes shipped in the window of which nobody knows the beginning.",
    by: "leg"
  },
  waiting: {
    unit: "hours",
    definition:
      "How long work waited for a human: interventions opened in the window, followed to its end; still open ones are censored, and those of a run that ended, then. Unknown: those whose waiting time nobody knows, and takeovers, which nothing waits for."
  },
  activeShare: share(
    "Active human hours / hours that work waited, over interventions closed in the window of which both are known. Unknown: the others."
  ),
  interventions: {
    unit: "per change",
    definition:
      "Interventions opened in the window, also withdrawn ones, of pruned runs at their end / shipped changes. Unknown: shipped changes whose interventions were not all observed.",
    by: "kind"
  },
  interventionsByCause: { unit: "per change", definition: "As interventions, by cause class.", by: "cause" },
  interventionsByStage: {
    unit: "per change",
    definition: "As interventions, by stage; `(none)`: in no stage; `(pruned)`: of pruned runs.",
    by: "stage"
  },
  recurrence: share(
    "Causes that were removed before the window's end and came again after that and before the window's end / causes removed. Parts: interventions after the removal / all of that cause. Unknown: causes after whose removal nothing was started, and those that no intervention has.",
    "cause"
  ),
  escapedDefects: share(
    "Shipped changes with a revert, hot fix, bug or incident found within the follow-up / shipped changes. Unknown: changes without any whose follow-up is not over, and defects found in the window of which nobody knows the change; a lower bound where there are any.",
    "authors"
  ),
  escapedDefectsBySkill: share(
    "As escaped defects, by version of each skill that a run of the change used; a change is in several.",
    "skill"
  ),
  escapedDefectsByModel: share(
    "As escaped defects, by model that worked in a run of the change; a change is in several.",
    "model"
  ),
  rework: share(
    "Shipped changes that are a revert or a hot fix / shipped changes. Unknown: reverts and hot fixes found in the window that are no shipped change of it."
  ),
  validationRuns: share("Agents started to validate / agents started. Unknown: pruned runs."),
  validationTokens: share(
    "Tokens used to validate / tokens used. Unknown: answers that broke off, and pruned runs whose use or time nobody knows."
  ),
  validationTime: share("Hours in stages that validate / hours in stages. Unknown: pruned runs."),
  validationMoney: share(
    "Money paid to validate / money paid for models. Unknown: calls without a price or broken off, and pruned runs whose cost or time nobody knows."
  ),
  cacheRead: share(
    "Tokens of prompts that came from the provider's cache / tokens of prompts. Unknown: answers that broke off, and pruned runs whose use or time nobody knows."
  ),
  stageCoverage: share(
    "Runs ended in the window, counted once for each stage that they came by / the same for all stages of their line. Unknown: pruned runs.",
    "stage"
  ),
  stageHealth: share(
    "Attempts of stages that finished in the window / attempts that ended. Unknown: pruned runs.",
    "stage"
  ),
  firstPass: share(
    "Parts of runs ended in the window that were accepted at their first attempt / parts that came to a judgement. Unknown: parts that were stopped before, and pruned runs.",
    "part"
  ),
  reworkAttempts: {
    unit: "refusals per part",
    definition:
      "Attempts that were refused / parts, as in first pass. Unknown: parts that were stopped before, and pruned runs.",
    by: "part"
  },
  parked: share("Runs put aside / runs ended in the window. Unknown: pruned runs.", "how runs ended"),
  pickedUp: share("Runs ended in the window that a human had to take up / runs ended. Unknown: pruned runs."),
  horizon: {
    unit: "hours",
    definition:
      "How long half of the runs ended in the window work in stages without failing: failed ones at what they came to, others censored there. No value below 10 failures. Unknown: pruned runs, and runs that somebody stopped."
  }
} as const satisfies Record<string, Definition>

/** The name of a figure. */
export type Name = keyof typeof definitions
