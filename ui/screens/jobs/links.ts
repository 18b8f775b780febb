/** The cursors of the pages beside a page. */
export interface Links {
  next: string | undefined
  prev: string | undefined
}

/** Reads the cursors out of the header `Link` (RFC 8288), whose targets are queries of the same call. */
export function linksOf(header: string | null): Links {
  const cursors = new Map<string, string>()
  for (const [, target = '', rel = ''] of (header ?? '').matchAll(/<\?([^>]*)>;\s*rel="(\w+)"/g)) {
    const cursor = new URLSearchParams(target).get('cursor')
    if (cursor) cursors.set(rel, cursor)
  }
  return { next: cursors.get('next'), prev: cursors.get('prev') }
}
