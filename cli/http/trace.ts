import { headers } from '../../shared/headers.ts'
import { now } from '../clock.ts'
import { escaped } from '../escape.ts'
import { redactTokens } from './redact.ts'

interface Asked {
  method: string
  url: URL
  headers: Record<string, string>
  body: string | undefined
}
interface Got {
  status: number
  headers: Record<string, unknown>
  text: string
}

/** Tells of an answer. */
interface Traced {
  /** A line of one that comes line by line. */
  line: (text: string) => void
  /** All of it, or all that was not told yet. */
  answer: (got: Got) => void
}

export interface Trace {
  /** Tells of a request; what it returns tells of the answer. */
  request: (asked: Asked) => Traced
}

const secretHeaders = ['x-api-key', 'authorization', 'set-cookie']

interface Tracing {
  note: (text: string) => void
  level: 'none' | 'lines' | 'all'
  /** Without the key or token of the target. */
  masked: (text: string) => string
}

/** `--verbose`: a line per request; `--debug`: the whole traffic, secrets masked. */
export function createTrace({ note, level, masked }: Tracing): Trace {
  const withoutSecrets = (text: string) => redactTokens(masked(text))
  const say = (mark: string, text: string) => {
    for (const line of text.split('\n')) note(`${mark} ${escaped(line)}\n`)
  }
  const sayHeaders = (mark: string, all: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(all)) {
      say(mark, `${name}: ${secretHeaders.includes(name.toLowerCase()) ? '***' : masked(String(value))}`)
    }
  }
  return {
    request({ method, url, headers: sent, body }) {
      const start = now()
      if (level === 'all') {
        say('>', `${method} ${url}`)
        sayHeaders('>', sent)
        if (body) say('>', withoutSecrets(body))
      }
      return {
        line: (text) => {
          if (level === 'all') say('<', withoutSecrets(text))
        },
        answer: (got) => {
          if (level === 'none') return
          const ms = Math.round(now() - start)
          const id = got.headers[headers.requestId.toLowerCase()] ?? '-'
          say('<', `${method} ${url.pathname}${url.search} ${got.status} ${ms} ms request=${masked(String(id))}`)
          if (level !== 'all') return
          sayHeaders('<', got.headers)
          say('<', withoutSecrets(got.text))
        },
      }
    },
  }
}
