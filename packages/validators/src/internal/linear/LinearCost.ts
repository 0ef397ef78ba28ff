/** What a query costs: Linear refuses one that asks for too much at once, and so does the twin. */
import { Kind, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type SelectionSetNode } from "graphql"

/** More is refused, in points. */
export const most = 10_000

/** The points of a document: a tenth for a field, one for a thing, and for a list as many times as it may have entries. */
export const of = (document: DocumentNode, variables: Readonly<Record<string, unknown>>): number => {
  const fragments = new Map<string, FragmentDefinitionNode>()
  const known = new Map<string, number>()
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each)
  }
  const sizeOf = (field: FieldNode): number => {
    const asked = field.arguments?.find(({ name }) => name.value === "first" || name.value === "last")?.value
    const value =
      asked?.kind === Kind.INT
        ? Number(asked.value)
        : asked?.kind === Kind.VARIABLE
          ? Number(variables[asked.name.value] ?? 50)
          : 50
    return Number.isFinite(value) ? Math.max(1, value) : 50
  }
  const sum = (set: SelectionSetNode, size: number): number =>
    set.selections.reduce((all, each) => all + costOf(each, size), 0)
  // A fragment is counted once, however often it is spread.
  const ofFragment = (name: string, size: number): number => {
    const key = `${name} ${size}`
    const before = known.get(key)
    if (before !== undefined) return before
    const fragment = fragments.get(name)
    const cost = fragment === undefined ? 0 : sum(fragment.selectionSet, size)
    known.set(key, cost)
    return cost
  }
  const costOf = (each: SelectionSetNode["selections"][number], size: number): number => {
    if (each.kind === Kind.FRAGMENT_SPREAD) return ofFragment(each.name.value, size)
    if (each.kind === Kind.INLINE_FRAGMENT) return sum(each.selectionSet, size)
    if (each.selectionSet === undefined) return 0.1
    const isList = each.name.value === "nodes" || each.name.value === "edges"
    return 1 + (isList ? size : 1) * sum(each.selectionSet, sizeOf(each))
  }
  return document.definitions.reduce(
    (all, each) => all + (each.kind === Kind.OPERATION_DEFINITION ? sum(each.selectionSet, 1) : 0),
    0
  )
}
