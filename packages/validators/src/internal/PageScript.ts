/**
 * What runs in the page. Each function is sent there as its text, so it refers to nothing outside of itself. The types are those parts
 * of the DOM that are used: the rest of this package runs in Node and must not see any.
 */
interface Rect {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

interface Root {
  readonly elementFromPoint?: (x: number, y: number) => DomElement | null
}

/** An element of a page. */
export interface DomElement {
  readonly innerText?: string
  readonly textContent: string | null
  readonly value?: unknown
  readonly checked?: unknown
  readonly disabled?: unknown
  readonly readOnly?: unknown
  readonly isContentEditable?: boolean
  readonly labels?: Iterable<DomElement> | null
  readonly shadowRoot?: { readonly activeElement: DomElement | null } | null
  readonly checkVisibility: (options?: { readonly visibilityProperty: boolean }) => boolean
  readonly getBoundingClientRect: () => Rect
  readonly getAttribute: (name: string) => string | null
  readonly getRootNode: () => Root
  readonly contains: (other: DomElement) => boolean
  readonly matches: (selector: string) => boolean
  readonly scrollIntoView: (options: object) => void
  readonly focus: () => void
  readonly blur: () => void
  readonly select?: () => void
}

declare const document: {
  readonly activeElement: DomElement | null
  readonly body: DomElement | null
  readonly documentElement: DomElement | null
  readonly getElementsByTagName: (name: string) => { readonly length: number }
}
declare const localStorage: {
  readonly length: number
  key(at: number): string | null
  getItem(name: string): string | null
}
declare const requestAnimationFrame: (done: () => void) => number
declare const getSelection: () => { readonly selectAllChildren: (element: DomElement) => void } | null
declare const MutationObserver: new (seen: () => void) => {
  observe(what: DomElement | typeof document, options: object): void
  disconnect(): void
}
declare const addEventListener: (name: string, heard: () => void, isCapture: boolean) => void
declare const removeEventListener: typeof addEventListener

/** An element, as a person finds it. Texts are bounded. */
export interface Facts {
  readonly visible: boolean
  readonly focused: boolean
  readonly checked: boolean
  readonly text: string
  readonly value: string | null
  readonly attribute: string | null
}

/** What is there of a target: how many, how many can be seen, and the one that is meant, with its place among all. */
export interface Found {
  readonly all: number
  readonly seen: number
  readonly at: number
  readonly one: Facts | null
  /** Why it can not be used for what was asked. */
  readonly refused: string
  /** Of a control that something lies over, as a check box that is drawn: which of its labels a person clicks on. -1: none. */
  readonly label: number
}

/** What is asked about a target. */
export interface Asked {
  readonly nth: number
  readonly attribute: string
  /** What for. To `write` puts the focus into it, and to `replace` chooses what it holds as well. */
  readonly purpose: "look" | "click" | "write" | "replace"
}

/** Tells what there is. The `nth` is counted among what can be seen, and among all where nothing can. */
export const find = (elements: ReadonlyArray<DomElement>, { attribute, nth, purpose }: Asked): Found => {
  const isVisible = (element: DomElement): boolean => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false
    const { height, width } = element.getBoundingClientRect()
    return width > 0 && height > 0
  }
  const isOnTop = (element: DomElement): boolean => {
    element.scrollIntoView({ block: "nearest", behavior: "instant" })
    const { height, left, top, width } = element.getBoundingClientRect()
    const hit = element.getRootNode().elementFromPoint?.(left + width / 2, top + height / 2) ?? null
    return hit !== null && (element.contains(hit) || hit.contains(element))
  }
  const toWrite = (element: DomElement): string => {
    if (element.disabled === true) return "is disabled"
    if (element.readOnly === true) return "is read only"
    if (typeof element.value !== "string" && element.isContentEditable !== true) return "can not be written to"
    if (!element.matches(":focus")) element.focus()
    if (purpose !== "replace") return ""
    if (element.select !== undefined) element.select()
    else getSelection()?.selectAllChildren(element)
    return ""
  }
  const visible = elements.filter(isVisible)
  const among = visible.length > 0 ? visible : elements
  const one = among.at(nth)
  const found = { all: elements.length, seen: visible.length }
  if (one === undefined) return { ...found, at: -1, one: null, refused: "is not there", label: -1 }
  const isSeen = visible.length > 0
  const isCovered = purpose === "click" && isSeen && !isOnTop(one)
  const label = isCovered ? [...(one.labels ?? [])].findIndex((label) => isVisible(label) && isOnTop(label)) : -1
  const states = ["checked", "selected", "pressed"]
  return {
    ...found,
    at: elements.indexOf(one),
    label,
    refused: !isSeen
      ? "is not to be seen"
      : isCovered && label < 0
        ? "is covered by something else"
        : purpose === "write" || purpose === "replace"
          ? toWrite(one)
          : "",
    one: {
      visible: isSeen,
      focused: one.matches(":focus"),
      checked: one.checked === true || states.some((state) => one.getAttribute(`aria-${state}`) === "true"),
      text: (one.innerText ?? one.textContent ?? "").slice(0, 8_000).replaceAll(/\s+/g, " ").trim().slice(0, 4_000),
      value: typeof one.value === "string" ? one.value.slice(0, 4_000) : null,
      attribute: attribute === "" ? null : one.getAttribute(attribute)
    }
  }
}

/** One of the labels of a control. */
export const labelOf = (element: DomElement, at: number): DomElement => [...(element.labels ?? [])][at] ?? element

/** Takes the focus away from what has it, in shadow roots too. */
export const toBlur = (): void => {
  let active = document.activeElement
  for (let deep = active; deep !== null && deep !== undefined; deep = deep.shadowRoot?.activeElement ?? null)
    active = deep
  active?.blur()
}

/** What the local storage holds; bounded. */
export const stored = (): ReadonlyArray<readonly [name: string, text: string]> =>
  Array.from({ length: Math.min(localStorage.length, 200) }, (_, at) => {
    const name = localStorage.key(at) ?? ""
    return [name.slice(0, 500), (localStorage.getItem(name) ?? "").slice(0, 20_000)] as const
  })

/** Whether the tree of accessibility can be made: there is something, and it is not too much. */
export const hasTree = (most: number): boolean =>
  document.body !== null && document.getElementsByTagName("*").length <= most

/** What can be read; bounded. */
export const text = (most: number): string => (document.documentElement?.innerText ?? "").slice(0, most)

/** Waits for a change of the page, or for so many milliseconds. */
export const change = (most: number): Promise<void> =>
  new Promise((resolve) => {
    const events = ["input", "change", "focusin", "focusout", "hashchange", "popstate"]
    const end = () => {
      observer.disconnect()
      for (const name of events) removeEventListener(name, end, true)
      resolve()
    }
    const observer = new MutationObserver(end)
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
    for (const name of events) addEventListener(name, end, true)
    setTimeout(end, most)
  })

/** Waits until two pictures were drawn between which nothing changed, or for so many milliseconds. */
export const quiet = (most: number): Promise<void> =>
  new Promise((resolve) => {
    let changes = 0
    const observer = new MutationObserver(() => changes++)
    const end = () => {
      observer.disconnect()
      resolve()
    }
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
    const look = (before: number) =>
      requestAnimationFrame(() => requestAnimationFrame(() => (changes === before ? end() : look(changes))))
    look(changes)
    setTimeout(end, most)
  })
