/**
 * A link of the header `Link` to another page of the same call. It is relative, so that it holds behind any proxy.
 * @param fields the query of that page; fields that are undefined are left out
 */
export function pageLink(fields: Readonly<Record<string, unknown>>, rel: 'next' | 'prev'): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value))
  return `<?${query}>; rel="${rel}"`
}
