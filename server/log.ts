type Level = 'info' | 'warn' | 'error'
type Fields = Record<string, string | number | undefined>

export interface Log {
  info: (message: string, fields?: Fields) => void
  warn: (message: string, fields?: Fields) => void
  error: (message: string, fields?: Fields) => void
}

interface LogOptions {
  write: (line: string) => void
  /** For a person at a terminal: text instead of JSON. */
  readable: boolean
}

/** One line an entry: JSON for machines, text for people. */
export function createLog({ write, readable }: LogOptions): Log {
  const render = readable ? text : json
  const at =
    (level: Level) =>
    (message: string, fields: Fields = {}) =>
      write(`${render(level, message, fields)}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** To put the fields into one object with the rest takes as long as to write it. */
function json(level: Level, message: string, fields: Fields): string {
  const head = `{"time":"${time()}","level":"${level}","message":${JSON.stringify(message)}`
  const more = JSON.stringify(fields)
  return more === '{}' ? `${head}}` : `${head},${more.slice(1)}`
}

let told = { at: 0, time: '' }

/** Many entries are of the same millisecond. */
function time(): string {
  const at = Date.now()
  if (told.at !== at) told = { at, time: new Date(at).toISOString() }
  return told.time
}

function text(level: Level, message: string, fields: Fields): string {
  const clock = time().slice(11, 19)
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  const urgent = level === 'info' ? [] : [`${level}:`]
  return [clock, ...urgent, message, ...facts].join(' ')
}
