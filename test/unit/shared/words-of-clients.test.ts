import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { headers } from '../../../shared/headers.ts'
import { inWordsOf } from '../../../shared/words-of-clients.ts'

/** What a program sends, and nobody types at a command line or clicks in the dashboard. */
const ofPrograms =
  /Idempotency-Key|\bX-[A-Z]\w+|Authorization:|\b(?:GET|POST|DELETE) \/|\bpreview_token\b|\bwith_foreign_rows\b|\badd max\b/

/** The paths of endpoints, the settings and the calls that neither client makes. */
const forOthers =
  /^(?:GET|POST) \S+$|realm=|sla\/policies|X-Forwarded-For|JOBS_METRICS_TOKEN|^Authorization: Bearer$|Plain GET \/healthz/

/** The texts of the sources that are sentences, with the values of their parts as far as they are names of headers. */
function sentencesOf(path: string): string[] {
  const source = readFileSync(path, 'utf8')
  const texts = [...source.matchAll(/(?<!\w)'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, one, other]) => one ?? other ?? '',
  )
  return texts
    .filter((text) => text.includes(' ') && !/^\s*(?:select|with|from|where|and|insert|update|delete)\b/.test(text))
    .map((text) =>
      text.replaceAll(/\$\{headers\.(\w+)\}/g, (_, name) => new Map(Object.entries(headers)).get(name) ?? ''),
    )
    .map((text) => text.replaceAll(/\$\{[^}]*\}/g, '7'))
}

describe('sentences of the server', () => {
  const files = readdirSync('server', { recursive: true }).map(String)
  const sentences = files.filter((path) => path.endsWith('.ts')).flatMap((path) => sentencesOf(`server/${path}`))

  it.each(['jobsctl', 'page'] as const)('have no word of the HTTP API where %s shows them', (client) => {
    const shown = sentences.map((sentence) => inWordsOf(client, sentence))
    expect(shown.filter((sentence) => ofPrograms.test(sentence) && !forOthers.test(sentence))).toEqual([])
  })

  it('say what to type or click', () => {
    const hint = 'run it again with another Idempotency-Key to go on; the same key repeats this answer'
    expect(inWordsOf('jobsctl', hint)).toBe('run the same command again to go on')
    expect(inWordsOf('page', hint)).toBe('preview it again, and confirm it to go on')
    expect(
      inWordsOf('jobsctl', 'an admin gives it: POST /api/v1/tokens/4f/role, or jobs-server token set-role 4f <role>'),
    ).toBe('an admin gives it: jobs-server token set-role 4f <role>')
    expect(inWordsOf('page', 'narrow the scope')).toBe('narrow the scope')
  })
})
