/** The part of Linear's GraphQL schema that the twin has, under Linear's names. Whatever is not in it is refused by name. */
import { buildSchema } from "graphql"

const comparators = `
  input IDComparator { eq: ID, neq: ID, in: [ID!], nin: [ID!] }
  input StringComparator {
    eq: String, neq: String, in: [String!], nin: [String!], eqIgnoreCase: String
    contains: String, notContains: String, containsIgnoreCase: String, startsWith: String, endsWith: String
  }
  input NumberComparator { eq: Float, neq: Float, in: [Float!], nin: [Float!], lt: Float, lte: Float, gt: Float, gte: Float }
  input NullableNumberComparator { eq: Float, neq: Float, in: [Float!], lt: Float, lte: Float, gt: Float, gte: Float }
`

const filters = `
  input TeamFilter { id: IDComparator, key: StringComparator, name: StringComparator }
  input WorkflowStateFilter { id: IDComparator, name: StringComparator, type: StringComparator, team: TeamFilter }
  input NullableUserFilter { id: IDComparator, name: StringComparator, email: StringComparator, null: Boolean }
  input IssueLabelFilter { id: IDComparator, name: StringComparator }
  input IssueLabelCollectionFilter { some: IssueLabelFilter, every: IssueLabelFilter }
  input IssueFilter {
    id: IDComparator, number: NumberComparator, title: StringComparator, priority: NullableNumberComparator
    team: TeamFilter, state: WorkflowStateFilter, assignee: NullableUserFilter, labels: IssueLabelCollectionFilter
    and: [IssueFilter!], or: [IssueFilter!]
  }
`

const connection = (type: string) => `
  type ${type}Connection { nodes: [${type}!]!, edges: [${type}Edge!]!, pageInfo: PageInfo! }
  type ${type}Edge { cursor: String!, node: ${type}! }
`

const page = "first: Int, after: String, last: Int, before: String, orderBy: PaginationOrderBy"

const things = `
  scalar DateTime
  enum PaginationOrderBy { createdAt updatedAt }
  type PageInfo { hasNextPage: Boolean!, hasPreviousPage: Boolean!, startCursor: String, endCursor: String }
  type User {
    id: ID!, name: String!, displayName: String!, email: String!, active: Boolean!, admin: Boolean!, isMe: Boolean!
    createdAt: DateTime!, updatedAt: DateTime!
  }
  type Organization { id: ID!, name: String!, urlKey: String! }
  type Team {
    id: ID!, key: String!, name: String!, createdAt: DateTime!, updatedAt: DateTime!
    issues(filter: IssueFilter, ${page}): IssueConnection!
    states(filter: WorkflowStateFilter, ${page}): WorkflowStateConnection!
    labels(filter: IssueLabelFilter, ${page}): IssueLabelConnection!
  }
  type WorkflowState {
    id: ID!, name: String!, type: String!, color: String!, position: Float!, team: Team!
    createdAt: DateTime!, updatedAt: DateTime!
  }
  type IssueLabel { id: ID!, name: String!, color: String!, team: Team, createdAt: DateTime!, updatedAt: DateTime! }
  type Issue {
    id: ID!, identifier: String!, number: Float!, title: String!, description: String, priority: Float!
    priorityLabel: String!, estimate: Float, url: String!, branchName: String!, labelIds: [String!]!
    createdAt: DateTime!, updatedAt: DateTime!, startedAt: DateTime, completedAt: DateTime, canceledAt: DateTime
    archivedAt: DateTime, team: Team!, state: WorkflowState!, assignee: User, creator: User, parent: Issue
    labels(filter: IssueLabelFilter, ${page}): IssueLabelConnection!
    comments(${page}): CommentConnection!
    children(filter: IssueFilter, ${page}): IssueConnection!
  }
  type Comment {
    id: ID!, body: String!, url: String!, createdAt: DateTime!, updatedAt: DateTime!, editedAt: DateTime
    issue: Issue, user: User, parent: Comment
  }
`

const changes = `
  input IssueCreateInput {
    id: String, teamId: String!, title: String, description: String, priority: Int, estimate: Int, stateId: String
    assigneeId: String, labelIds: [String!], parentId: String
  }
  input IssueUpdateInput {
    title: String, description: String, priority: Int, estimate: Int, stateId: String, assigneeId: String
    labelIds: [String!], addedLabelIds: [String!], removedLabelIds: [String!], parentId: String
  }
  input CommentCreateInput { id: String, issueId: String, body: String, parentId: String }
  type IssuePayload { lastSyncId: Float!, success: Boolean!, issue: Issue }
  type CommentPayload { lastSyncId: Float!, success: Boolean!, comment: Comment! }
  type Query {
    viewer: User!
    organization: Organization!
    user(id: String!): User!
    users(${page}): UserConnection!
    team(id: String!): Team!
    teams(filter: TeamFilter, ${page}): TeamConnection!
    issue(id: String!): Issue!
    issues(filter: IssueFilter, ${page}): IssueConnection!
    workflowState(id: String!): WorkflowState!
    workflowStates(filter: WorkflowStateFilter, ${page}): WorkflowStateConnection!
    issueLabel(id: String!): IssueLabel!
    issueLabels(filter: IssueLabelFilter, ${page}): IssueLabelConnection!
  }
  type Mutation {
    issueCreate(input: IssueCreateInput!): IssuePayload!
    issueUpdate(id: String!, input: IssueUpdateInput!): IssuePayload!
    commentCreate(input: CommentCreateInput!): CommentPayload!
  }
`

/** The schema. */
export const schema = buildSchema(
  [
    comparators,
    filters,
    things,
    ...["User", "Team", "WorkflowState", "IssueLabel", "Issue", "Comment"].map(connection),
    changes
  ].join("\n")
)
