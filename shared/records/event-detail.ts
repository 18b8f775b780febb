/** The fields that an operator looks for stand first, since a narrow screen cuts the end. */
const leading = ['reason', 'affected', 'operation_id', 'operation']

/** The attributes of an event as names and words, in the order in which they are shown; what is no object is one word without a name. */
export function wordsOf(attrs: unknown): (readonly [name: string, word: string])[] {
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs))
    return attrs == null ? [] : [['', word(attrs)]]
  const fields = new Map<string, unknown>(Object.entries(attrs))
  const first = leading.filter((name) => fields.has(name))
  return [...first, ...[...fields.keys()].filter((name) => !leading.includes(name))].map((name) => [
    name,
    word(fields.get(name)),
  ])
}

/** The attributes of an event on one line: `retry_count=2 error_code=timeout`. */
export const detailOf = (attrs: unknown): string =>
  wordsOf(attrs)
    .map(([name, text]) => (name === '' ? text : `${name}=${text}`))
    .join(' ')

const word = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
