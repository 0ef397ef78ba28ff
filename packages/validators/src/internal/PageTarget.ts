/** How what a step is about is found in a page: through open shadow roots, and in frames after the page itself. */
import type { Frame, Locator, Page } from "playwright-core"
import type * as Step from "../Step.ts"
import * as PageScript from "./PageScript.ts"

/** All elements that a target may mean, in one frame. */
export const locate = (frame: Frame, { by }: Step.Target): Locator => {
  switch (by._tag) {
    case "Css":
      return frame.locator(`css=${by.selector}`)
    case "Role":
      // A planner may say any role; one that is none is not found.
      return frame.getByRole(by.role as Parameters<Frame["getByRole"]>[0], {
        exact: true,
        ...(by.name !== undefined && { name: by.name })
      })
    case "Text":
      return frame.getByText(by.text)
    case "Label":
      return frame.getByLabel(by.label).or(frame.getByPlaceholder(by.label))
  }
}

/** What was found, and the elements that it was found among. */
export interface Place extends PageScript.Found {
  readonly locator: Locator
}

const nothing: PageScript.Found = { all: 0, seen: 0, at: -1, one: null, refused: "is not there", label: -1 }

/** What is asked beside the target. Frames of which `isOurs` says no are left out; with `isCount` all are counted together. */
export interface Asked extends Partial<Pick<PageScript.Asked, "attribute" | "purpose">> {
  readonly isCount?: boolean
  readonly isOurs: (url: string) => boolean
}

/** Looks for a target: in the page, and where it is not there, in its frames. */
export const find = async (
  page: Page,
  target: Step.Target,
  { attribute = "", isCount = false, isOurs, purpose = "look" }: Asked
): Promise<Place> => {
  const asked: PageScript.Asked = { nth: target.nth ?? 0, attribute, purpose }
  const main = page.mainFrame()
  const first = locate(main, target)
  let place: Place = { ...(await first.evaluateAll(PageScript.find, asked)), locator: first }
  for (const frame of page.frames()) {
    if (frame === main || !isOurs(frame.url()) || (!isCount && place.seen > 0)) continue
    const locator = locate(frame, target)
    // A frame may go away at any time, and what was in it is not to be seen then.
    const found = await locator.evaluateAll(PageScript.find, asked).catch(() => nothing)
    const better = found.seen > 0 || (place.all === 0 && found.all > 0)
    place = isCount
      ? { ...place, all: place.all + found.all, seen: place.seen + found.seen }
      : better
        ? { ...found, locator }
        : place
  }
  return place
}

/** Clicks on what was found, or on its label where a person would. */
export const click = async (
  { at, label, locator }: Place,
  options: { readonly timeout: number; readonly clickCount: number }
): Promise<void> => {
  const one = locator.nth(at)
  if (label < 0) return await one.click(options)
  const handle = await one.evaluateHandle(PageScript.labelOf, label, { timeout: options.timeout })
  await handle.asElement()?.click(options)
}
