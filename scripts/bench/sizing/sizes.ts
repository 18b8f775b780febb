import * as z from 'zod'

const Bytes = z.number()

/** A table or an index, and what a million of its rows take. */
const Relation = z.object({
  table: z.string(),
  /** The name of an index; absent for the rows themselves, with what TOAST keeps of them. */
  index: z.string().optional(),
  /** Bytes of a million rows of the table. */
  perMillion: Bytes,
})

/** Bytes of WAL for a job: right after a checkpoint, and where the same pages have been written since the last one. */
const Wal = z.object({
  what: z.string(),
  jobs: z.number(),
  afterCheckpoint: Bytes.optional(),
  /** Absent for changes of rows that are old, whose pages nobody has touched since the last checkpoint. */
  steady: Bytes.optional(),
})

const Memory = z.object({
  what: z.string(),
  /** MiB of the process before and after a thousand of them were opened. */
  before: z.number(),
  after: z.number(),
})

/** What a run of the bench has measured: the page is made from it. */
export const Sizes = z.object({
  node: z.string(),
  postgres: z.string(),
  jobs: z.number(),
  /** Bytes of the payload of each job, as JSON. */
  payloadBytes: Bytes,
  /** Events that one job has, from its enqueue to its completion. */
  eventsPerJob: z.number(),
  relations: z.array(Relation),
  wal: z.array(Wal),
  /** Bytes of WAL in a minute in which nobody calls. */
  idleWalPerMinute: Bytes,
  memory: z.object({ start: z.number(), opened: z.array(Memory) }),
  connections: z.object({ idle: z.number(), busy: z.number() }),
})
export type Sizes = z.output<typeof Sizes>
