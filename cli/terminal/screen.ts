import { emitKeypressEvents, type Key as Pressed } from 'node:readline'
import type { Screen, ScreenEvents } from '../io.ts'

/** The alternate screen, without a cursor; lines that are too long do not wrap. */
const enter = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const leave = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const clearToLineEnd = '\u001b[K'
const clear = '\u001b[2J'
const place = (row: number) => `\u001b[${row};1H`

/** The kernel does not suspend a program whose shell is gone: after this time it goes on by itself. */
const suspendedWithinMs = 200

/** Takes the alternate screen and the keys of the terminal of this process; `interrupt` is called for Ctrl-C. */
export function openScreen({ onKey, onRedraw }: ScreenEvents, interrupt: () => void): Screen {
  const { stdin, stdout } = process
  let shown: readonly string[] = []
  let open = false
  const take = () => {
    open = true
    shown = []
    stdin.setRawMode?.(true)
    stdin.resume()
    stdout.write(enter)
  }
  const giveBack = () => {
    if (!open) return
    open = false
    stdout.write(leave)
    stdin.setRawMode?.(false)
  }
  const goOn = () => {
    take()
    onRedraw()
  }
  const suspend = () => {
    giveBack()
    process.kill(process.pid, 'SIGTSTP')
    setTimeout(() => {
      if (!open && !closed) goOn()
    }, suspendedWithinMs)
  }
  const pressed = (text: string | undefined, key: Pressed) => {
    if (key.ctrl && key.name === 'c') return interrupt()
    if (key.ctrl && key.name === 'z') return suspend()
    onKey({ name: key.name, text: text ?? '', ctrl: key.ctrl ?? false })
  }
  const resized = () => {
    shown = []
    onRedraw()
  }
  let closed = false
  emitKeypressEvents(stdin)
  stdin.on('keypress', pressed)
  // A terminal that is gone presses no key any more.
  stdin.on('end', interrupt)
  stdin.on('error', interrupt)
  stdout.on('resize', resized)
  process.on('SIGCONT', goOn)
  process.on('exit', giveBack) // an error that nothing catches
  take()
  return {
    draw(lines) {
      if (!open) return
      stdout.write(difference(shown, lines))
      shown = [...lines]
    },
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    close() {
      closed = true
      giveBack()
      stdin.off('keypress', pressed)
      stdin.off('end', interrupt)
      stdout.off('resize', resized)
      process.off('SIGCONT', goOn)
      process.off('exit', giveBack)
      stdin.pause()
    },
  }
}

/** What changes the screen from some lines to others. Lines that are the same are not sent, since the way may be slow. */
function difference(shown: readonly string[], after: readonly string[]): string {
  const before = shown.length === after.length ? shown : []
  const lines = after.flatMap((line, at) => (before[at] === line ? [] : [`${place(at + 1)}${line}${clearToLineEnd}`]))
  return (before === shown ? '' : clear) + lines.join('')
}
