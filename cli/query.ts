/** The input of a GET as its query; what is undefined is left out. */
export function queryOf(input: unknown): string {
  const fields = Object.entries(input ?? {}).filter(([, value]) => value !== undefined)
  return new URLSearchParams(Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))).toString()
}
