import type { JobsMap } from './map.ts'
import type { Table } from './table.ts'

/** A table of somebody, and how its rows are jobs. */
export interface Mapped {
  map: JobsMap
  table: Table
  /** The domain of its jobs. */
  domain: string
  /** Other tables that the map names, by these names. */
  others: ReadonlyMap<string, Table>
}
