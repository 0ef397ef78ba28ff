/** What stands on the screen of a terminal, as its program draws it. Nothing that it sends reaches anything but this screen. */
import * as ScreenText from "./ScreenText.ts"
import * as StepText from "./StepText.ts"

/** A screen. */
export interface TerminalScreen {
  /** Draws; `drawn` is called when it is done. */
  readonly draw: (bytes: Uint8Array, drawn: () => void) => void
  /** The lines that can be seen, without the empty ones at the end; what went over the edge is one line. */
  readonly text: () => string
  readonly resize: (columns: number, rows: number) => void
  /** When something was drawn last, in milliseconds of this process. */
  readonly drawnAt: () => number
  /** Whether the program asked for the other codes of the cursor keys. */
  readonly isApplication: () => boolean
  readonly dispose: () => void
}

/** A terminal as `@xterm/headless` has it. */
export interface Terminal {
  readonly rows: number
  readonly buffer: {
    readonly active: {
      readonly viewportY: number
      getLine(row: number): { readonly isWrapped: boolean; translateToString(trimRight: boolean): string } | undefined
    }
  }
  readonly parser: { registerOscHandler(sequence: number, handler: (data: string) => boolean): unknown }
  readonly modes: { readonly applicationCursorKeysMode: boolean }
  onData(listener: (text: string) => void): unknown
  write(bytes: Uint8Array, drawn: () => void): void
  resize(columns: number, rows: number): void
  dispose(): void
}

/** What a screen is made with. */
export interface Options {
  /** Takes the sequence by which a shell tells whether the program is there. */
  readonly told: { readonly sequence: number; readonly by: (text: string) => void }
  /** Tells of what the program asked for and does not get. */
  readonly note: (trouble: string) => void
  /** Sends what a terminal answers when it is asked where its cursor is, say. */
  readonly answer: (text: string) => void
}

/** The most that a terminal answers to its program, in characters: one that asks without end reads nothing of it. */
const mostAnswers = 64_000

/** Makes a screen of a terminal that was just made. */
export const make = (terminal: Terminal, { answer, note, told }: Options): TerminalScreen => {
  const noted = new Set<string>()
  const once = (trouble: string) => {
    if (noted.has(trouble)) return
    noted.add(trouble)
    note(trouble)
  }
  terminal.parser.registerOscHandler(52, () => {
    once("The program wanted to read or write the clipboard, and there is none.")
    return true
  })
  terminal.parser.registerOscHandler(told.sequence, (text) => {
    told.by(text)
    return true
  })
  let drawnAt = 0
  let answered = 0
  terminal.onData((text) => {
    answered += text.length
    if (answered <= mostAnswers) answer(text)
    else once("The program asked its terminal for more than it was answered.")
  })
  return {
    drawnAt: () => drawnAt,
    draw: (bytes, drawn) => {
      if (bytes.byteLength > 0) drawnAt = performance.now()
      terminal.write(bytes, drawn)
    },
    text: () => {
      const { active } = terminal.buffer
      const lines: Array<string> = []
      for (let row = 0; row < terminal.rows; row++) {
        const line = active.getLine(active.viewportY + row)
        const text = line?.translateToString(true) ?? ""
        if (line?.isWrapped === true && lines.length > 0) lines.push(`${lines.pop() ?? ""}${text}`)
        else lines.push(text)
      }
      return ScreenText.plain(lines.join("\n").trimEnd())
    },
    resize: (columns, rows) => terminal.resize(columns, rows),
    isApplication: () => terminal.modes.applicationCursorKeysMode,
    dispose: () => terminal.dispose()
  }
}

/** How a screen is told in one line. */
export const told = (text: string): string => (text === "" ? "an empty screen" : StepText.inOneLine(text, 2_000))
