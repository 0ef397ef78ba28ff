/** A binary heap whose members know their place, so that one can be taken out of the middle in O(log n). */

/** What a heap can hold, one heap at a time. `place` is -1 outside of a heap; only the heap writes it. */
export interface Member {
  place: number
}

/** The first member is one that no other comes before. */
export interface Heap<A extends Member> {
  readonly size: number
  readonly peek: () => A | undefined
  readonly push: (member: A) => void
  readonly remove: (member: A) => void
  /** Puts a member where it belongs after what it is ordered by has changed. */
  readonly update: (member: A) => void
}

/** An empty heap. `isBefore` has to be a strict total order for as long as nobody calls `update`. */
export const make = <A extends Member>(isBefore: (one: A, other: A) => boolean): Heap<A> => {
  const members: Array<A> = []

  const put = (member: A, place: number) => {
    members[place] = member
    member.place = place
  }

  const up = (member: A) => {
    let place = member.place
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = members[above]
      if (parent === undefined || !isBefore(member, parent)) break
      put(parent, place)
      place = above
    }
    put(member, place)
  }

  const down = (member: A) => {
    let place = member.place
    while (true) {
      const left = members[2 * place + 1]
      const right = members[2 * place + 2]
      const first = left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (first === undefined || !isBefore(first, member)) break
      const below = first.place
      put(first, place)
      place = below
    }
    put(member, place)
  }

  const update = (member: A) => {
    up(member)
    down(member)
  }

  return {
    get size() {
      return members.length
    },
    peek: () => members[0],
    push: (member) => {
      put(member, members.length)
      up(member)
    },
    remove: (member) => {
      const { place } = member
      const last = members.pop()
      member.place = -1
      if (last === undefined || last === member) return
      put(last, place)
      update(last)
    },
    update
  }
}
