/** From the least urgent on. */
export const logLevels = ['info', 'warn', 'error'] as const
type Level = (typeof logLevels)[number]
type Fields = Record<string, string | number | undefined>

/** Writes log entries: a message, and fields for machines. */
export interface Log {
  info: (message: string, fields?: Fields) => void
  warn: (message: string, fields?: Fields) => void
  error: (message: string, fields?: Fields) => void
}

interface LogOptions {
  write: (line: string) => void
  /** Write text for a person at a terminal instead of JSON. */
  readable: boolean
  /** Entries that are less urgent are left out; absent means none. */
  least?: Level
}

/** A log that writes one line per entry: JSON for machines, or text for people. */
export function createLog({ write, readable, least = 'info' }: LogOptions): Log {
  const render = readable ? text : json
  const at = (level: Level) =>
    logLevels.indexOf(level) < logLevels.indexOf(least)
      ? () => {}
      : (message: string, fields: Fields = {}) => write(`${render(level, message, fields)}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** Joins two JSON texts, because copying the fields into one object takes as long as writing the line. */
function json(level: Level, message: string, fields: Fields): string {
  const head = `{"time":"${time()}","level":"${level}","message":${JSON.stringify(message)}`
  const more = JSON.stringify(fields)
  return more === '{}' ? `${head}}` : `${head},${more.slice(1)}`
}

let formatted = { second: 0, text: '' }

/** The time in ISO 8601; what stands before the milliseconds is formatted once for all entries of one second. */
function time(): string {
  const at = Date.now()
  const ms = at % 1000
  const second = at - ms
  if (formatted.second !== second) formatted = { second, text: new Date(second).toISOString().slice(0, -4) }
  return `${formatted.text}${String(ms).padStart(3, '0')}Z`
}

function text(level: Level, message: string, fields: Fields): string {
  const clock = time().slice(11, 19)
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  const urgent = level === 'info' ? [] : [`${level}:`]
  return [clock, ...urgent, message, ...facts].join(' ')
}
