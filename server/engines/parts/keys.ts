import { Failure } from '../../../shared/errors.ts'
import { quoted } from '../../../shared/text/shell.ts'
import { keyParts, keyText } from '../../../shared/work/job-key.ts'

/** A job as an engine finds it. Without a queue, the id is looked for in every queue. */
export interface NativeKey {
  queue: string | undefined
  id: string
}

type ParseKey = (key: string) => NativeKey | undefined

/**
 * The queue and the id of a key whose id has no slash: slashes of the queue may be there unescaped.
 * @returns undefined for a text that is not a key
 */
export function splitKey(key: string): NativeKey | undefined {
  const parts = keyParts(key)
  if (!parts) return undefined
  const whole = parts.queue === undefined ? parts.id : `${parts.queue}/${parts.id}`
  const slash = whole.lastIndexOf('/')
  return { queue: slash < 0 ? undefined : whole.slice(0, slash), id: whole.slice(slash + 1) }
}

/** The keys that name a queue; the others are left out. */
export const keysWithQueue = (keys: readonly string[], parse: ParseKey): { queue: string; id: string }[] =>
  keys.flatMap((key) => {
    const { queue, id } = parse(key) ?? {}
    return queue === undefined || id === undefined ? [] : [{ queue, id }]
  })

/** Texts that name jobs: the key of each text with a queue, and the id of each without one. */
export function sortKeys(texts: readonly string[], parse: ParseKey): Record<'keys' | 'bare', Map<string, string>> {
  const keys = new Map<string, string>()
  const bare = new Map<string, string>()
  for (const text of texts) {
    const { queue, id } = parse(text) ?? {}
    if (id === undefined) continue
    if (queue === undefined) bare.set(text, id)
    else keys.set(text, keyText({ queue, id }))
  }
  return { keys, bare }
}

/** As many keys of jobs with one id are named. */
const mostNamed = 5

/**
 * The key of the one job that an id without a queue names; undefined where none has it.
 * @param keys those of all jobs with the id
 * @throws Failure `not_supported` where jobs of several queues have it
 */
export function onlyKey(id: string, keys: readonly string[]): string | undefined {
  const [only, ...others] = keys
  if (others.length === 0) return only
  throw new Failure(
    'not_supported',
    `jobs of ${keys.length} queues have the id ${id}, and a call names one of them by its queue; nothing was changed`,
    { hint: `give one of them: ${keys.toSorted().slice(0, mostNamed).map(quoted).join(', ')}` },
  )
}
