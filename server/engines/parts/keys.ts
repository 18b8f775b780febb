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
