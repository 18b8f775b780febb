import { headers } from '../../shared/headers.ts'
import { escaped } from '../../shared/text/escape.ts'
import { type HttpProxy, proxyName } from '../settings/proxy.ts'
import { redactTokens } from './redact.ts'

interface TracedRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body: string | undefined
}
interface TracedAnswer {
  status: number
  headers: Record<string, unknown>
  text: string
}

/** Notes an answer. */
interface AnswerTrace {
  /** One line of an answer that comes line by line. */
  line: (text: string) => void
  /** The end of an answer, with the text that `line` has not noted. */
  answer: (answer: TracedAnswer) => void
}

export interface Trace {
  /** Notes a request, and returns the functions that note its answer. */
  request: (request: TracedRequest) => AnswerTrace
}

const secretHeaders = ['x-api-key', 'authorization', 'set-cookie']

interface Tracing {
  note: (text: string) => void
  level: 'none' | 'lines' | 'all'
  /** The proxy that the requests go through. */
  proxy: HttpProxy | undefined
  /** Masks the key or token of the target. */
  redact: (text: string) => string
}

/** `--verbose`: a line per request; `--debug`: the whole traffic, secrets masked. */
export function createTrace({ note, level, proxy, redact }: Tracing): Trace {
  const withoutSecrets = (text: string) => redactTokens(redact(text))
  const say = (mark: string, text: string) => {
    for (const line of text.split('\n')) note(`${mark} ${escaped(line)}\n`)
  }
  const sayHeaders = (mark: string, all: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(all)) {
      say(mark, `${name}: ${secretHeaders.includes(name.toLowerCase()) ? '***' : redact(String(value))}`)
    }
  }
  return {
    request({ method, url, headers: sent, body }) {
      const start = performance.now()
      if (level === 'all') {
        say('>', `${method} ${url}`)
        if (proxy) say('>', `through the proxy ${proxyName(proxy)}`)
        sayHeaders('>', sent)
        if (body) say('>', withoutSecrets(body))
      }
      return {
        line: (text) => {
          if (level === 'all') say('<', withoutSecrets(text))
        },
        answer: (answer) => {
          if (level === 'none') return
          const ms = Math.round(performance.now() - start)
          const id = answer.headers[headers.requestId.toLowerCase()] ?? '-'
          say('<', `${method} ${url.pathname}${url.search} ${answer.status} ${ms} ms request=${redact(String(id))}`)
          if (level !== 'all') return
          sayHeaders('<', answer.headers)
          say('<', withoutSecrets(answer.text))
        },
      }
    },
  }
}
