import type { ParamIndexMap, Result, Router } from 'hono/router'
import { TrieRouter } from 'hono/router/trie-router'

/** A number between slashes: in paths of the API it is an id. */
const number = /(?<=\/)\d+(?=\/|$)/

/** In a path that is remembered it stands for the number. */
const placeholder = '\n'

/** The number of paths that are remembered before all of them are forgotten: callers may ask for any path. */
const mostPaths = 500
/** In characters. */
const longestPath = 100

/** The handlers of a path, each with the names of its parameters and where in the list of values each value is. */
type Match<Handler> = [Handler, ParamIndexMap][]

/**
 * A router that remembers what each path matches: the tree compares the parts of a path with the patterns of all endpoints, which takes
 * as long as to validate the input of a call. Paths that differ in nothing but their only number are one path.
 */
export class MemoRouter<Handler> implements Router<Handler> {
  name = 'MemoRouter'
  readonly #tree = new TrieRouter<Handler>()
  readonly #known = new Map<string, Match<Handler>>()

  add(method: string, path: string, handler: Handler): void {
    this.#tree.add(method, path, handler)
    this.#known.clear()
  }

  match(method: string, path: string): Result<Handler> {
    // A decoded path may have a line feed, which stands for the number in what is remembered.
    if (path.length > longestPath || path.includes(placeholder)) return this.#tree.match(method, path)
    const id = number.exec(path)?.[0]
    const shape = `${method} ${id === undefined ? path : path.replace(number, placeholder)}`
    const values = id === undefined ? [] : [id]
    const known = this.#known.get(shape)
    if (known) return [known, values]
    const found = this.#tree.match(method, path)
    const match = matchOf(found, id)
    if (!match || number.test(shape)) return found
    if (this.#known.size >= mostPaths) this.#known.clear()
    this.#known.set(shape, match)
    return [match, values]
  }
}

/** What was found, for every path of its shape; undefined where a parameter has another value than the number of the path. */
function matchOf<Handler>([found]: Result<Handler>, id: string | undefined): Match<Handler> | undefined {
  const match: Match<Handler> = []
  for (const [handler, parameters] of found) {
    if (Object.values(parameters).some((value) => value !== id)) return undefined
    match.push([handler, Object.fromEntries(Object.keys(parameters).map((name) => [name, 0]))])
  }
  return match
}
