/** Answers a GraphQL request from a state: an answer, and the state that comes after. */
import * as Schema from "effect/Schema"
import { execute, GraphQLError, parse, validate, type DocumentNode, type ExecutionResult } from "graphql"
import type * as TwinService from "../../TwinService.ts"
import * as LinearChange from "./LinearChange.ts"
import * as LinearCost from "./LinearCost.ts"
import * as LinearError from "./LinearError.ts"
import * as LinearSchema from "./LinearSchema.ts"
import * as LinearShape from "./LinearShape.ts"
import type * as LinearState from "./LinearState.ts"

/** A request. */
export const Request = Schema.Struct({
  query: Schema.NonEmptyString,
  variables: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Json))),
  operationName: Schema.optionalKey(Schema.NullOr(Schema.String))
})

/** Longer documents are refused, in tokens. */
const maxTokens = 5_000

type Call = TwinService.Call<LinearState.State, unknown, typeof Request.Type>

const queries = (box: LinearShape.Box) => {
  const of = <A, B>(kind: string, value: A | undefined, show: (box: LinearShape.Box, value: A) => B): B => {
    if (value === undefined) throw LinearError.notFound(kind)
    return show(box, value)
  }
  const lists = LinearShape.lists(box)
  const { state } = box
  const team = (id: string) => state.teams.get(id) ?? state.teams.values.find(({ key }) => key === id)
  return {
    viewer: () =>
      of(
        "User",
        state.users.values.find(({ name }) => name === box.asks),
        LinearShape.user
      ),
    organization: state.organization,
    user: ({ id }: { id: string }) => of("User", state.users.get(id), LinearShape.user),
    users: lists.users,
    team: ({ id }: { id: string }) => of("Team", team(id), LinearShape.team),
    teams: lists.teams,
    issue: ({ id }: { id: string }) => LinearShape.issue(box, LinearChange.issueIn(state, id)),
    issues: (asked: Parameters<typeof lists.issues>[0]) => lists.issues(asked),
    workflowState: ({ id }: { id: string }) => of("WorkflowState", state.states.get(id), LinearShape.workflowState),
    workflowStates: (asked: Parameters<typeof lists.states>[0]) => lists.states(asked),
    issueLabel: ({ id }: { id: string }) => of("IssueLabel", state.labels.get(id), LinearShape.label),
    issueLabels: (asked: Parameters<typeof lists.labels>[0]) => lists.labels(asked)
  }
}

/** The document of a request, or what is wrong with it. */
const read = (query: string): DocumentNode | ReadonlyArray<GraphQLError> => {
  try {
    const document = parse(query, { maxTokens })
    const errors = validate(LinearSchema.schema, document)
    return errors.length === 0 ? document : errors
  } catch (error) {
    if (error instanceof GraphQLError) return [error]
    throw error
  }
}

const refused = (errors: ReadonlyArray<GraphQLError>): TwinService.Answer => ({
  status: 400,
  body: {
    errors: errors.map((error) => ({
      ...error.toJSON(),
      extensions: { code: "GRAPHQL_VALIDATION_FAILED", type: "graphql error", userError: true, statusCode: 400 }
    }))
  }
})

/** Answers a request. */
export const answer = (call: Call): TwinService.Outcome<LinearState.State> => {
  const { operationName, query, variables } = call.body
  const document = read(query)
  if (!("kind" in document)) return { answer: refused(document) }
  const values = variables ?? {}
  const cost = LinearCost.of(document, values)
  if (cost > LinearCost.most) {
    const message = `Query too complex: it costs ${Math.round(cost)} points, and ${LinearCost.most} are allowed`
    return { answer: LinearError.answer(message, { type: "graphql error", code: "INPUT_ERROR", status: 400 }) }
  }
  const box: LinearShape.Box = { state: call.state, asks: call.caller.name }
  const events: Array<TwinService.Event> = []
  const result = execute({
    schema: LinearSchema.schema,
    document,
    rootValue: { ...queries(box), ...LinearChange.mutations({ box, call, events }) },
    variableValues: values,
    operationName: operationName ?? null
  })
  if ("then" in result) throw new Error("No resolver waits")
  const isChanged = box.state !== call.state
  return {
    answer: { status: statusOf(result), body: result },
    ...(isChanged ? { state: box.state, events } : {})
  }
}

/** A request that came to nothing for want of a right is 403; one that could not begin 400; any other has an answer. */
const statusOf = ({ data, errors }: ExecutionResult): number => {
  if (errors?.[0]?.extensions["code"] === "FORBIDDEN" && (data === undefined || data === null)) return 403
  return data === undefined ? 400 : 200
}
