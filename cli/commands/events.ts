import { Failure } from '../../shared/errors.ts'
import type { CommandSpec, Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import { pollForever } from '../poll.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import {
  allFlag,
  describeAnyOf,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeWords,
} from '../settings/flags/scope-flags.ts'
import { groupedDigits } from '../text/numbers.ts'
import { eventWriter } from './events/by-day.ts'
import type { Cursor } from './events/cursor.ts'
import { eventLog, pageSize, pages, queryAfter, type ReadEvents } from './events/event-log.ts'
import { beforeLast, beforeTime } from './events/event-search.ts'
import { withNextCommand } from './events/next-command.ts'

interface EventsFlags extends ScopeFlags {
  after?: string
  since?: string
  limit?: string
  follow?: boolean
  cursor?: string
  forget?: string
}

export const events: CommandSpec<EventsFlags> = {
  name: 'events',
  group: 'READ',
  summary: 'the event log; --follow waits for new events',
  about: 'Shows the events of jobs, the oldest first: the last events, or all events after an id or since a time.',
  examples: [
    'jobsctl events --domain chatbooks --limit 20',
    'jobsctl events --since 1h --job-type export',
    'jobsctl events --after 8123 --ndjson',
    'jobsctl events --follow',
    'jobsctl events --cursor billing --ndjson | ./bill',
  ],
  fleet: true,
  flags: [
    ...scopeFlags,
    allFlag,
    ...flagsIn('HOW', {
      '--after <id>': 'all events after the event with this id',
      '--since <time>': { about: 'all events since a time, 1h for 1 h ago, or mark:<text>', time: 'past' },
      '--limit <n>': 'at most this many (default: the last 50, or 10 with --follow)',
      '--follow': 'then print new events as they come, until Ctrl-C',
      '--cursor <name>': 'go on where the reader of this name has ended, and remember it',
      '--forget <name>': 'forget a cursor, since its reader is gone',
    }),
  ],
  rows: async (_operands, { forget }: EventsFlags) =>
    forget === undefined ? (await import('./events/event-columns.ts')).columns : undefined,
  async run(context, flags) {
    const { events: endpoint, EventsFlags: Flags } = await import('../../shared/records/events.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const { settings, print } = context
    if (flags.forget !== undefined) return forget(context, flags, flags.forget)
    const scope = scopeOf(flags)
    const { after_id, limit } = parseInput(Flags, { ...scope, after_id: flags.after, limit: flags.limit })
    refuseContradictions(context, flags)
    const most = flags.limit === undefined ? defaultLimit(flags) : limit
    if (settings.curl) {
      print.text(curlOf(context, endpoint, { ...scope, ...queryAfter(after_id, Math.min(most, pageSize)) }))
      return 'ok'
    }
    const after = flags.after === undefined ? undefined : after_id
    const failed = (error: unknown): never => {
      throw withNextCommand(context, { scope, follow: flags.follow, cursor: flags.cursor, after }, error)
    }
    const cursor = flags.cursor === undefined ? undefined : await cursorOf(context, flags.cursor, after).catch(failed)
    const begin = cursor ? async () => cursor.begin : beginning(flags, { id: after_id, most })
    // A reader without a place in the log misses nothing of what has been deleted.
    const passesOver = (cursor?.begin ?? after ?? 0) === 0
    const reader = (client: Client) => eventLog(client, { endpoint, scope, passesOver })
    const on = (id: number) =>
      context.another([
        'events',
        ...(flags.cursor === undefined ? ['--after', String(id)] : ['--cursor', flags.cursor]),
        ...scopeWords(scope),
        '--limit',
        String(most),
      ])
    const isFromTheEnd = after === undefined && flags.since === undefined && !cursor
    const wanted = {
      begin,
      most,
      cursor,
      on: isFromTheEnd ? undefined : on,
      empty: `no events in ${describeAnyOf(scope)}`,
    }
    const reading = flags.follow ? follow(context, reader, wanted) : show(context, reader, wanted)
    return reading.catch(failed)
  },
}

async function cursorOf(context: Context, name: string, after: number | undefined): Promise<Cursor> {
  const { openCursor } = await import('./events/cursor.ts')
  return openCursor(await context.client(), name, after)
}

async function forget(context: Context, { forget: _, ...others }: EventsFlags, name: string): Promise<Ending> {
  if (Object.keys(others).length > 0) throw new Failure('usage', '--forget takes no other flag; nothing was changed')
  const { forgetCursor } = await import('./events/cursor.ts')
  return forgetCursor(context, name)
}

function refuseContradictions({ settings }: Context, { after, since, limit, follow, cursor }: EventsFlags): void {
  const fromTheEnd = after === undefined && since === undefined && cursor === undefined
  if (cursor !== undefined && since !== undefined) throw new Failure('usage', '--cursor and --since exclude each other')
  if (cursor !== undefined && settings.curl)
    throw new Failure('usage', '--curl prints one call, and a cursor needs several', {
      hint: 'docs/workers/events.md shows the calls of a cursor',
    })
  if (after !== undefined && since !== undefined) throw new Failure('usage', '--after and --since exclude each other')
  if (follow && limit !== undefined && !fromTheEnd) {
    throw new Failure('usage', '--limit sets how many of the last events --follow begins with', {
      hint: 'leave out --limit when --after, --since or --cursor is given',
    })
  }
  if (follow && settings.output === 'json') {
    throw new Failure('usage', '--follow has no end, so its output cannot be one JSON document', {
      hint: 'jobsctl events --follow --ndjson',
    })
  }
  if (settings.curl && after === undefined) {
    throw new Failure('usage', '--curl needs --after here, since the call needs an id', {
      hint: 'add --after 0 for all events; without --after, jobsctl first asks the server for the id to begin at',
    })
  }
}

function defaultLimit({ after, since, cursor, follow }: EventsFlags): number {
  if (after !== undefined || since !== undefined || cursor !== undefined) return Number.POSITIVE_INFINITY
  return follow ? 10 : 50
}

/** Finds the id after which reading begins. */
type Beginning = (read: ReadEvents) => Promise<number>

interface Place {
  id: number
  most: number
}

function beginning({ after, since }: EventsFlags, { id, most }: Place): Beginning {
  if (after !== undefined) return async () => id
  if (since === undefined) return (read) => beforeLast(read, most)
  return (read) => beforeTime(read, Date.parse(since))
}

type Reader = (client: Client) => ReadEvents

interface Wanted {
  begin: Beginning
  most: number
  empty: string
  cursor: Cursor | undefined
  /** The command that reads on behind an event; undefined for the last events of the log. */
  on: ((id: number) => string) | undefined
}

async function show(context: Context, reader: Reader, { begin, most, empty, cursor, on }: Wanted): Promise<Ending> {
  const { print, settings, io } = context
  const client = await context.client()
  const read = reader(client)
  const write = eventWriter(context)
  const whole: unknown[] = []
  let [shown, last] = [0, 0]
  for await (const page of pages(read, await begin(read), most)) {
    if (io.outGone()) return 'ok'
    // --json prints one document, so it waits for the last page.
    if (settings.output === 'json') whole.push(page.raw)
    else write(page.events, page.raw)
    shown += page.events.length
    last = page.events.at(-1)?.id ?? last
    if (settings.output !== 'json' && !io.outGone()) await cursor?.moveTo(client, last)
  }
  if (settings.output === 'json') {
    write([], whole.flat())
    if (shown > 0) await cursor?.moveTo(client, last)
  }
  if (shown === 0 && print.forPeople) print.aside(empty)
  if (on && shown >= most) await noteRest(context, read, { shown, last, on })
  return 'ok'
}

interface Shown {
  shown: number
  /** The id of the last event. */
  last: number
  on: (id: number) => string
}

/** Says that more events follow. Those that were asked for are printed, and a cursor has moved: an answer that fails ends nothing. */
async function noteRest({ print }: Context, read: ReadEvents, { shown, last, on }: Shown): Promise<void> {
  const next = await read(last, 1).catch(() => undefined)
  const follow = next?.events.length ? 'follow' : next?.next === undefined ? undefined : 'may follow'
  if (follow) print.aside(`note: the first ${groupedDigits(shown)} events; more ${follow}: ${on(last)}`)
}

const pauseMs = 1000

async function follow(context: Context, reader: Reader, { begin, cursor }: Wanted): Promise<Ending> {
  const write = eventWriter(context)
  let after: number | undefined
  return pollForever(context, pauseMs, async (client) => {
    const read = reader(client)
    after ??= await begin(read)
    for await (const { events, raw } of pages(read, after)) {
      write(events, raw)
      after = events.at(-1)?.id ?? after
      if (context.io.outGone()) return
      await cursor?.moveTo(client, after)
    }
  })
}
