import { readFile } from 'node:fs/promises'
import { Sizes } from '../bench/sizing/sizes.ts'
import { code, page, table } from './markdown.ts'

/** The run of the bench that the page is made from: `npm run bench -- --only sizing --json scripts/docs/sizing.json`. */
const file = 'scripts/docs/sizing.json'

/** What the example needs: jobs a day, and for how many days each table keeps them. */
const example = { perDay: 1, jobs: 30, events: 30, archive: 7 }

const whole = (number: number) => Math.round(number).toLocaleString('en')
const megabytes = (bytes: number) => `${whole(bytes / 1e6)} MB`
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`

/** Bytes for each million jobs or rows of a table, its indexes included. */
const totalOf = ({ relations }: Sizes, table: string): number =>
  relations.filter((relation) => relation.table === table).reduce((sum, { perMillion }) => sum + perMillion, 0)

function walOf({ wal }: Sizes, what: string): number {
  const found = wal.find((row) => row.what === what)
  if (!found) throw new Error(`${file} has no WAL of ${what}`)
  return found.steady ?? found.afterCheckpoint ?? 0
}

const per = (sizes: Sizes, name: string): number => (name === 'job_events' ? sizes.eventsPerJob : 1)

/** Indexes that take less than this of a million jobs share one row of the table. */
const leastShown = 1e6

function storageTable(sizes: Sizes, tables: readonly string[]): string {
  const rows = tables.flatMap((name) => {
    const parts = sizes.relations
      .filter(({ table }) => table === name)
      .map(({ index, perMillion }) => ({ index, bytes: perMillion * per(sizes, name) }))
    const small = parts.filter(({ bytes }) => bytes < leastShown)
    const shown = parts
      .filter(({ bytes }) => bytes >= leastShown)
      .map(({ index, bytes }) => ['', index ? code(index) : 'the rows', megabytes(bytes)])
    const others = [['', `${small.length} other indexes, which such jobs are not in`, 'less than 1 MB']]
    return [
      [code(name), '**all of it**', `**${megabytes(totalOf(sizes, name) * per(sizes, name))}**`],
      ...shown,
      ...(small.length > 0 ? others : []),
    ]
  })
  return table(['table', 'part', 'of a million jobs'], rows)
}

function exampleOf(sizes: Sizes): string[] {
  const jobs = example.perDay * example.jobs * totalOf(sizes, 'jobs')
  const events = example.perDay * example.events * sizes.eventsPerJob * totalOf(sizes, 'job_events')
  const archive = example.perDay * example.archive * totalOf(sizes, 'jobs_archive')
  const rows = (name: string, starts: number) => (4 * starts * totalOf(sizes, name)) / 1e6
  const history = 10 * (rows('jobsctl_history_minutes', 7 * 1440) + rows('jobsctl_history_hours', 90 * 24))
  const depths = (10 * (7 * 1440 + 83 * 24) * totalOf(sizes, 'jobsctl_depths')) / 1e6
  const sum = jobs + events + archive + history + depths
  const kinds = [
    'enqueue, one by one',
    'acquire, 100 a call',
    'finish, 100 a call',
    'prune, into the archive',
    'vacuum, of jobs that have ended',
  ]
  const wal = kinds.reduce((all, what) => all + walOf(sizes, what), 0) * 1e6 * example.perDay
  return [
    table(
      ['what', 'how', 'bytes'],
      [
        [code('jobs'), `${example.jobs} days × 1 million × ${megabytes(totalOf(sizes, 'jobs'))}`, gigabytes(jobs)],
        [
          code('job_events'),
          `${example.events} days (\`JOBS_EVENTS_DAYS\`) × 1 million × ${megabytes(sizes.eventsPerJob * totalOf(sizes, 'job_events'))}`,
          gigabytes(events),
        ],
        [
          code('jobs_archive'),
          `${example.archive} days (\`JOBS_ARCHIVE_DAYS\`) × 1 million × ${megabytes(totalOf(sizes, 'jobs_archive'))}`,
          gigabytes(archive),
        ],
        ['history', '10 groups, each with 4 transitions in every minute and hour', gigabytes(history)],
        ['depths', '10 groups that change in every minute', gigabytes(depths)],
        ['**together**', '', gigabytes(sum)],
        ['with a fifth of dead rows', 'what autovacuum leaves by default before it begins', gigabytes(sum * 1.2)],
      ],
    ),
    `WAL: ${whole(wal / 1e6 / example.perDay)} bytes a job (enqueued one by one, leased and finished 100 a call, pruned into the archive, vacuumed), so ` +
      `**${gigabytes(wal)} a day**, or ${whole(wal / 86_400 / 1000)} kB a second on average. The first writes after each checkpoint cost more, see above: ` +
      'with many checkpoints a day reckon with twice as much. A replica receives this much, and an archive of WAL keeps it.',
  ]
}

/** What jobs take on the disk, in the WAL, in memory and in connections. */
export async function sizingPage(): Promise<string> {
  const sizes = Sizes.parse(JSON.parse(await readFile(file, 'utf8')))
  const { wal, memory, connections, idleWalPerMinute, jobs, node, postgres } = sizes
  return page(
    'Sizing',
    `How much disk, WAL, memory and how many connections jobs take. The numbers are of one run of \`npm run bench -- --only sizing\` with ` +
      `${whole(jobs)} jobs, PostgreSQL ${postgres.split(' ')[0]} and Node ${node.slice(1)}. [How fast](../explain/how-fast.md) has ` +
      'the times.',
    '## Disk',
    `Of jobs with a payload of ${sizes.payloadBytes} bytes and no result, enqueued, leased and completed at the first attempt; each has ${sizes.eventsPerJob} events. ` +
      'A payload or a result that is longer adds its bytes to `jobs`, from 2 kB on compressed, and to `jobs_archive` again. Each further attempt adds two events. ' +
      'The tables were vacuumed as autovacuum does it, so they have the room that rows leave behind when they change. All ' +
      'indexes are there.',
    storageTable(sizes, ['jobs', 'job_events', 'jobs_archive']),
    'The history grows with the groups (domain, queue and job type) and with time, not with the jobs. A minute or an hour in which a group has jobs has ' +
      'about four rows: created, acquired, completed and one more. Depths have a row for each group that changed in a minute, and one for each group at the hour. ' +
      'Minutes stay for 7 days, hours for 90.',
    table(
      ['table', 'bytes of a row, with its index'],
      ['jobsctl_history_minutes', 'jobsctl_history_hours', 'jobsctl_depths'].map((name) => [
        code(name),
        whole(totalOf(sizes, name) / 1e6),
      ]),
    ),
    '`jobsctl_counts` has one row for each group, and a few for each one with live jobs. [jobsctl doctor](../reference/commands/doctor.md) shows the true sizes, and from which size on indexes are built by hand.',
    '## WAL',
    'Bytes for each job, with `full_page_writes` on. After a checkpoint the first change of each page writes the whole page; the first column is of ' +
      'the jobs that come right after a checkpoint, the second of those that follow. What the server writes in the background meanwhile is in it: counts and history.',
    table(
      ['call', 'right after a checkpoint', 'later'],
      wal.map(({ what, afterCheckpoint, steady }) => [
        what,
        afterCheckpoint === undefined ? '' : whole(afterCheckpoint),
        steady === undefined ? '' : whole(steady),
      ]),
    ),
    `A prune reads rows that are old, so each page is written whole. A minute without any call wrote ${whole(idleWalPerMinute / 1000)} kB.`,
    '## Memory of a server',
    table(
      ['what', 'before', 'after', 'for each'],
      memory.opened.map(({ what, before, after }) => [
        what,
        `${before} MiB`,
        `${after} MiB`,
        `${whole(((after - before) * 1024) / 1000)} KiB`,
      ]),
    ),
    `A server has ${memory.start} MiB after its start. How much its garbage collector leaves differs from run to run. \`npm run campaign -- soak\` ` +
      'watches that it stays flat.',
    'In another run 5,000 idle streams of events took a server from 109 to 318 MiB, of which 173 MiB were in use. A minute after they closed it had ' +
      '320 MiB, since V8 collects what is old when its heap grows again; after a full collection it had 163 MiB. Nothing of a stream stays: 22 MiB ' +
      'were in use then, and 29 MiB before. The option `--max-old-space-size=192` of Node held the server at 263 MiB, and a minute after the streams it had 113 MiB; to open them then ' +
      'took three times the processor time.',
    '## Connections to PostgreSQL',
    'At most `JOBS_DB_POOL` (4) + `JOBS_DB_OPERATOR_POOL` (2) + 1 that listens, and two more while a server migrates. They are opened when they are ' +
      `needed. In the run one server had ${connections.idle} sessions when nobody called, and ${connections.busy} while 64 callers enqueued and 16 read lists. So ` +
      '`max_connections` is 9 for each server, and what else connects. Behind a [pooler](pooler.md) a server does not listen, so it has at most 8 connections, to the pooler. With ' +
      '`JOBS_DB_READ_URL` it has one more, which asks the primary how far it is. A start uses six at once, or as many as it gets, to see that no proxy spreads them.',
    '## An example',
    `${example.perDay} million jobs a day, pruned into the archive after ${example.jobs} days, in 10 groups:`,
    ...exampleOf(sizes),
    'For other numbers multiply the rows of the tables above; halve `JOBS_EVENTS_DAYS`, and the events take half.',
  )
}
