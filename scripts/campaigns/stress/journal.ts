import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

/** One end of an attempt, as it was sent. */
const Finish = z.object({
  job: z.number(),
  lease: z.string(),
  token: z.string().optional(),
  action: z.enum(['complete', 'fail', 'release']),
})
const Entry = z.discriminatedUnion('kind', [
  /** A call that came to an end: its answer, or why it has none. */
  z.object({
    kind: z.literal('call'),
    request: z.string(),
    path: z.string(),
    server: z.string(),
    began: z.number(),
    ended: z.number(),
    outcome: z.union([z.number(), z.enum(['hung up', 'broken'])]),
    code: z.string().optional(),
    /** What a refusal says, or how a connection broke. */
    detail: z.string().optional(),
  }),
  z.object({ kind: z.literal('leased'), request: z.string(), job: z.number(), lease: z.string(), until: z.string() }),
  z.object({ kind: z.literal('renewed'), job: z.number(), lease: z.string(), until: z.string() }),
  /** Written before it is sent, so that it is known whose lease an unanswered request was to end. */
  Finish.extend({ kind: z.literal('asked'), request: z.string() }),
  Finish.extend({
    kind: z.literal('finished'),
    request: z.string(),
    ok: z.boolean(),
    /** What the job became, or the code of the refusal. */
    said: z.string(),
  }),
  z.object({
    kind: z.literal('enqueued'),
    request: z.string(),
    n: z.number(),
    job: z.number(),
    created: z.boolean(),
  }),
  /** Sent without an idempotency key, and not answered: it is there once, or not at all. */
  z.object({ kind: z.literal('unanswered'), n: z.number() }),
])
export type Entry = z.output<typeof Entry>

/** What a witness has seen, a line each, written before it goes on: it outlives a `kill -9`. */
export interface Journal {
  write: (entry: Entry) => void
  close: () => void
}

export function openJournal(folder: string, name: string): Journal {
  const file = openSync(join(folder, `${name}.jsonl`), 'a')
  return {
    write: (entry) => void writeSync(file, `${JSON.stringify(entry)}\n`),
    close: () => closeSync(file),
  }
}

/** All journals of a run; a line that a kill cut off does not count. */
export function readJournals(folder: string): Entry[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => Entry.parse(JSON.parse(line)))
}

type Kind = Entry['kind']

/** The entries of one kind. */
export const only = <K extends Kind>(entries: readonly Entry[], kind: K) =>
  entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind)
