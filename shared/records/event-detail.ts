/** The fields that an operator looks for stand first, since a narrow screen cuts the end. */
const leading = ['reason', 'affected', 'operation_id', 'operation']

/** The attributes of an event on one line: `retry_count=2 error_code=timeout`. */
export function detailOf(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs)) return attrs == null ? '' : word(attrs)
  const fields = new Map<string, unknown>(Object.entries(attrs))
  const first = leading.filter((name) => fields.has(name))
  return [...first, ...[...fields.keys()].filter((name) => !leading.includes(name))]
    .map((name) => `${name}=${word(fields.get(name))}`)
    .join(' ')
}

const word = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
