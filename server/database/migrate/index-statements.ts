import { allMigrations } from './migrations.ts'

/** An index as a migration writes it down. */
export interface IndexStatement {
  name: string
  table: string
  unique: boolean
  /** The keys without their brackets. */
  keys: string
  /** The condition of a partial index; empty for an index of all rows. */
  condition: string
  /** What the index serves: the comment above it. */
  serves: string
  /** It serves searches of operators alone: without it these are bounded, and nothing else is slower. */
  forOperators: boolean
  /** `create index concurrently …`, without a semicolon. */
  statement: string
}

const ofOperators = new Set([
  ...['jobsctl_created', 'jobsctl_ended_list', 'jobsctl_unended', 'jobsctl_unended_ended', 'jobsctl_waiting'],
  ...['jobsctl_failures', 'jobsctl_failures_created', 'jobsctl_failures_ended', 'jobsctl_retrying'],
  ...['jobsctl_archive_ids', 'jobsctl_archive_uuids', 'jobsctl_row_images_of_job'],
])

const statements =
  /((?:^--.*\n)*)^(create (unique )?index concurrently if not exists (\w+)\s+on (\w+) \(([^;]*?)\)(?:\s+where ([^;]*?))?);/gm

/** The indexes of a migration, in their order. An index without a comment serves what the index before it does. */
export function indexesIn(text: string): IndexStatement[] {
  let serves = ''
  return [...text.matchAll(statements)].map((found) => {
    const [, comment = '', statement = '', unique, name = '', table = '', keys = '', condition = ''] = found
    serves = oneLine(comment.replaceAll(/^-- ?/gm, '')) || serves
    const parts = { keys: oneLine(keys), condition: oneLine(condition), statement }
    return { name, table, unique: unique !== undefined, ...parts, serves, forOperators: ofOperators.has(name) }
  })
}

/** The indexes of all migrations, in the order in which they are built. */
export const allIndexes = async (): Promise<IndexStatement[]> =>
  (await allMigrations()).flatMap(({ concurrent, text }) => (concurrent ? indexesIn(text) : []))

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
