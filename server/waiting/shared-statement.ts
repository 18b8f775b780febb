import DataLoader from 'dataloader'
import { Failure } from '../../shared/errors.ts'
import { isEndedFromOutside, isTransient } from '../database/errors/failure.ts'

/** The most characters of the JSON of an item that shares a statement. */
const longest = 8192

interface Statement<Item, Result> {
  /** Runs the statement, and returns the result of each item in their order, undefined for an item that it passed over. */
  run: (items: readonly Item[]) => Promise<readonly (Result | undefined)[]>
  /** Equal for items that one statement can take; each of the others has a statement of its own. */
  kind: (item: Item) => string
  /** The most items of one statement. */
  most: number
}

/**
 * Runs in one statement what calls ask for whose requests are read in the same two turns of the event loop: most of its cost is the same
 * for one item and for many. No call waits for a request that is still to come.
 * @returns a function that returns undefined for an item that is to be run alone: it was passed over, its JSON is long, or PostgreSQL
 * rejected the statement, perhaps because of another item. It throws what it would throw if the item had come alone.
 */
export function shareStatement<Item, Result>({
  run,
  kind,
  most,
}: Statement<Item, Result>): (item: Item, json?: unknown) => Promise<Result | undefined> {
  const runGroup = async (items: readonly Item[]) => {
    try {
      return await run(items)
    } catch (error) {
      if (isTransient(error) || (items.length > 1 && isOfItem(error))) return []
      throw error
    }
  }
  const loader = new DataLoader<Item, Promise<Result | undefined>>(
    async (items) => {
      const groups = new Map<string, Item[]>()
      const indexes = items.map((item) => {
        const group = groups.get(kind(item)) ?? []
        groups.set(kind(item), group)
        return { group, at: group.push(item) - 1 }
      })
      const results = new Map([...groups.values()].map((group) => [group, runGroup(group)]))
      return indexes.map(async ({ group, at }) => (await results.get(group))?.[at])
    },
    { cache: false, maxBatchSize: most, batchScheduleFn: (run) => setImmediate(() => setImmediate(run)) },
  )
  return async (item, json) => {
    if (json !== undefined && JSON.stringify(json).length > longest) return undefined
    return loader.load(item)
  }
}

/** True for an error that another item may not have: PostgreSQL, or our own rules, rejected what the statement was to do. */
const isOfItem = (error: unknown): boolean => error instanceof Failure || !isEndedFromOutside(error)
