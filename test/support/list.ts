import * as z from 'zod'
import type { Answer } from './http.ts'
import type { World } from './world.ts'

export const listPath = '/api/v1/jobs/list'

const Listed = z.array(z.looseObject({ id: z.number() }))

/** The ids of a page, in its order. */
export const idsOf = ({ body }: Pick<Answer, 'body'>): number[] => Listed.parse(body).map(({ id }) => id)

/** The query of the page beside a page; undefined where the header `Link` has none. */
export function pageAfter({ headers }: Answer, rel: 'next' | 'prev'): URLSearchParams | undefined {
  const found = new RegExp(`<\\?([^>]*)>; rel="${rel}"`).exec(headers.link ?? '')?.[1]
  return found === undefined ? undefined : new URLSearchParams(found)
}

interface Pages {
  forward: number[][]
  /** The pages from the last one back to the first, without the last one. */
  backward: number[][]
  scanned: (string | undefined)[]
  complete: (string | undefined)[]
}

/** Reads all pages of a list, then all pages back from the last one; `between` runs after each page. */
export async function walkPages(world: World, query: string, between = async (): Promise<void> => {}): Promise<Pages> {
  const pages: Pages = { forward: [], backward: [], scanned: [], complete: [] }
  const read = async (next: URLSearchParams): Promise<Answer> => {
    const answer = await world.call('GET', `${listPath}?${next}`)
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    await between()
    return answer
  }
  let last: Answer | undefined
  for (let next: URLSearchParams | undefined = new URLSearchParams(query); next; next = pageAfter(last, 'next')) {
    last = await read(next)
    pages.forward.push(idsOf(last))
    pages.scanned.push(last.headers['x-scanned'])
    pages.complete.push(last.headers['x-complete'])
  }
  for (let prev = last && pageAfter(last, 'prev'); prev; prev = pageAfter(last, 'prev')) {
    last = await read(prev)
    pages.backward.push(idsOf(last))
  }
  return pages
}
