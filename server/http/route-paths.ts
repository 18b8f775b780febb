import * as endpoints from '../../shared/endpoints.ts'

const paths = Object.values(endpoints).flatMap(({ path, ...rest }) => [
  path,
  ...('aliases' in rest && rest.aliases ? rest.aliases : []),
])

/**
 * The path of an endpoint as the router takes it. A fixed word goes before an id: where `/jobs/batch` and
 * `/jobs/:id/cancel` are paths, `batch` is no id, so that `/jobs/batch/cancel` does not exist.
 */
export const routerPathOf = (path: string): string =>
  path.replaceAll(/:\w+/g, (parameter, at: number) => {
    const words = wordsAfter(path.slice(0, at))
    return words.length === 0 ? parameter : `${parameter}{(?!(?:${words.join('|')})(?:/|$))[^/]+}`
  })

/** The fixed words that follow this beginning of a path in any path of the API. */
function wordsAfter(beginning: string): string[] {
  const next = paths
    .filter((path) => path.startsWith(beginning))
    .map((path) => path.slice(beginning.length).split('/')[0])
  return [...new Set(next)].filter((word): word is string => word !== undefined && /^[\w-]+$/.test(word))
}

/** A path of the router as people read it: `/jobs/:id/cancel`. */
export const readablePathOf = (path: string): string => path.replaceAll(/\{[^}]*\}/g, '')

/** Matches what a path of the router matches. */
export const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/:\w+(?:\{([^}]*)\})?/g, (_parameter, own?: string) => own ?? '[^/]+')}$`)
