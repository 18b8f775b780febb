import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

/** A finish of an attempt, as the request has it. */
const Finish = z.object({
  job: z.number(),
  lease: z.string(),
  token: z.string().optional(),
  action: z.enum(['complete', 'fail', 'release', 'cancel']),
})
const Entry = z.discriminatedUnion('kind', [
  /**
   * A call, with the status of its response, or the reason for which it has no response. Times are in ms since 1970.
   */
  z.object({
    kind: z.literal('call'),
    request: z.string(),
    path: z.string(),
    server: z.string(),
    began: z.number(),
    ended: z.number(),
    outcome: z.union([z.number(), z.enum(['aborted', 'broken'])]),
    code: z.string().optional(),
    /** The detail of an error response, or the message of a connection error. */
    detail: z.string().optional(),
  }),
  z.object({ kind: z.literal('leased'), request: z.string(), job: z.number(), lease: z.string(), until: z.string() }),
  z.object({ kind: z.literal('renewed'), job: z.number(), lease: z.string(), until: z.string() }),
  /** A finish, written before it is sent, so that the lease of a request without a response is known. */
  Finish.extend({ kind: z.literal('finish-sent'), request: z.string() }),
  Finish.extend({
    kind: z.literal('finished'),
    request: z.string(),
    ok: z.boolean(),
    /** The new state of the job, or the error code. */
    outcome: z.string(),
  }),
  z.object({
    kind: z.literal('enqueued'),
    request: z.string(),
    n: z.number(),
    job: z.number(),
    created: z.boolean(),
  }),
  /** An enqueue without an idempotency key and with an unknown outcome: the job exists once, or not at all. */
  z.object({ kind: z.literal('unknown-outcome'), n: z.number() }),
])
export type Entry = z.output<typeof Entry>

/**
 * A file of entries, one line of JSON each. Writes are synchronous, so that a process that is killed loses no entry.
 */
export interface Journal {
  write: (entry: Entry) => void
  close: () => void
}

/** Opens the journal `<name>.jsonl` in a folder and appends to it. */
export function openJournal(folder: string, name: string): Journal {
  const file = openSync(join(folder, `${name}.jsonl`), 'a')
  return {
    write: (entry) => void writeSync(file, `${JSON.stringify(entry)}\n`),
    close: () => closeSync(file),
  }
}

/** Reads all journals of a folder. Ignores an incomplete last line, which a killed process can leave. */
export function readJournals(folder: string): Entry[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => Entry.parse(JSON.parse(line)))
}

type Kind = Entry['kind']

/** Returns the entries of one kind. */
export const only = <K extends Kind>(entries: readonly Entry[], kind: K) =>
  entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind)
