import width from 'string-width'
import { cutTo } from '../../text/wrap.ts'

/** The signs of a screen. */
export interface Signs {
  /** A rate that is not known. */
  hidden: string
  /** The end of a text that is cut. */
  cut: string
  /** The bars of a sparkline, from the lowest to the highest. */
  bars: readonly string[]
  /** A text of the server as this terminal can show it. */
  shown: (text: string) => string
}

const unicode: Signs = { hidden: '–', cut: '…', bars: [...'▁▂▃▄▅▆▇█'], shown: (text) => text }
const ascii: Signs = {
  hidden: '-',
  cut: '~',
  bars: [...'_.-:=+*#'],
  shown: (text) => text.replaceAll(/[^\x20-\x7e]/gu, '?'),
}

/** The signs for the character set that the environment names. */
export function signsFor({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): Signs {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '') ? unicode : ascii
}

/** A text of exactly `columns` columns, to the left or to the right. */
export function fitted(
  text: string,
  { columns, right = false }: { columns: number; right?: boolean },
  signs: Signs,
): string {
  const cut = cutTo(text, columns, signs.cut)
  const space = ' '.repeat(Math.max(0, columns - width(cut)))
  return right ? space + cut : cut + space
}

/** The last `columns` values as bars; the highest value is the highest bar, and 0 the lowest. */
export function sparkline(values: readonly number[], columns: number, { bars }: Signs): string {
  const shown = values.slice(-columns)
  const most = Math.max(1, ...shown)
  const line = shown.map(
    (value) => bars[value <= 0 ? 0 : Math.max(1, Math.round((value / most) * (bars.length - 1)))] ?? '',
  )
  return line.join('').padStart(columns)
}

/** A count in at most six columns: `99,999`, `123k`, `1,234M`. */
export function shortCount(count: number): string {
  if (count < 100_000) return count.toLocaleString('en-US')
  const [unit, size] = count < 1e7 ? ['k', 1e3] : count < 1e10 ? ['M', 1e6] : ['G', 1e9]
  const text = Math.floor(count / Number(size)).toLocaleString('en-US')
  return `${text}${unit}`
}
