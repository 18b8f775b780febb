import DataLoader from 'dataloader'
import { isOutcomeUnknown } from '../database/errors/failure.ts'

/** The most items of one statement. */
const most = 100
/** The most characters of the JSON of an item. */
const longest = 8192

/**
 * Runs what the requests ask for that are read in one turn of the event loop in one statement: most of its cost is the same for one item
 * and for many. No item waits for others.
 * @param run runs a statement, and returns the result of each item in their order, undefined for an item that it passed over
 * @returns a function that returns undefined for an item that is to be run alone: it was passed over, its JSON is long, or PostgreSQL
 * rejected the statement, perhaps because of another item. It throws the error after which nobody knows whether PostgreSQL ran the statement.
 */
export function together<Item, Result>(
  run: (items: readonly Item[]) => Promise<(Result | undefined)[]>,
): (item: Item, json: unknown) => Promise<Result | undefined> {
  const loader = new DataLoader(run, { cache: false, maxBatchSize: most, batchScheduleFn: setImmediate })
  return async (item, json) => {
    if (json !== undefined && JSON.stringify(json).length > longest) return undefined
    return loader.load(item).catch((error: unknown) => {
      if (isOutcomeUnknown(error)) throw error
      return undefined
    })
  }
}
