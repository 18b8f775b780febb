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

const json = (level: Level, message: string, fields: Fields): string =>
  JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })

function text(level: Level, message: string, fields: Fields): string {
  const time = new Date().toISOString().slice(11, 19)
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  const urgent = level === 'info' ? [] : [`${level}:`]
  return [time, ...urgent, message, ...facts].join(' ')
}
