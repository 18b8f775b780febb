import type { z } from 'zod'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { sizeText } from '../../../shared/times/time-and-size.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'
import { type BulkChange, canUndo, type Previewed } from '../change.ts'

/** The words for the reasons that servers send. */
const reasonWords = new Map([
  ['age', 'queued for too long'],
  ['runtime', 'running for too long'],
  ['stale_lease', 'with a lease but not running'],
  ['expired_lease', 'running with an expired lease'],
  ['cancelled', 'queued, to be cancelled'],
  ['asked', 'running, to be asked to end'],
  ['ended', 'running, to be ended'],
])

/** What a preview says beside the groups; a field that a server does not send is undefined. */
interface Facts {
  /** `10 queued for too long`, one text for each reason. */
  reasons: string[]
  dependents: number
  /** Those outside of the scope of the token. */
  elsewhere: number
  restorable: number | undefined
  keptByHold: number
  /** Why no undo can give the jobs back, as a clause. */
  noWayBack: string | undefined
}

/** How many further jobs match and stay, since a hold keeps them. */
export const heldIn = ({ previews = [] }: { previews?: readonly Preview[] | undefined }): number =>
  sumOf(previews.flatMap(({ kept_by_hold }) => kept_by_hold ?? []))

function factsOf(previews: readonly Preview[]): Facts {
  const counts = new Map<string, number>()
  for (const { reason, count } of previews.flatMap(({ reasons = [] }) => reasons)) {
    counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  const known = previews.flatMap(({ restorable }) => restorable ?? [])
  return {
    reasons: [...counts].map(([reason, n]) => `${groupedDigits(n)} ${reasonWords.get(reason) ?? escaped(reason)}`),
    dependents: sumOf(previews.flatMap(({ dependents }) => dependents ?? [])),
    elsewhere: sumOf(previews.flatMap(({ dependents_elsewhere }) => dependents_elsewhere ?? [])),
    keptByHold: heldIn({ previews }),
    noWayBack: previews.flatMap(({ no_way_back }) => no_way_back ?? [])[0],
    restorable: known.length === previews.length && known.length > 0 ? sumOf(known) : undefined,
  }
}

const alongWords = { cancelled: 'Cancelled', 'brought back': 'Brought back', 'given back': 'Given back' } as const

type Along = BulkChange<z.ZodType, z.ZodType>['along']

const dependentsText = (count: number, along: Along): string => {
  const state = along === undefined ? 'queued' : 'cancelled'
  return `${groupedDigits(count)} ${state} ${count === 1 ? 'job that depends' : 'jobs that depend'} on`
}

/** The lines of a preview at a terminal: why jobs match, which jobs are cancelled along, how many an undo could give back. */
export function factLines<In extends z.ZodType, Out extends z.ZodType>(
  { name, along }: Pick<BulkChange<In, Out>, 'name' | 'along'>,
  { total, previews = [] }: Previewed<Out>,
): string[] {
  const { reasons, dependents, elsewhere, restorable, keptByHold, noWayBack } = factsOf(previews)
  const backText = (count: number) =>
    count === 0 ? 'none of these jobs' : `${groupedDigits(Math.min(count, total))} of ${jobsText(total)}`
  return [
    ...(reasons.length > 0 ? [`Why these jobs match: ${reasons.join(', ')}`] : []),
    ...(dependents > 0
      ? [`${alongWords[along ?? 'cancelled']} along: ${dependentsText(dependents, along)} these jobs`]
      : []),
    ...(elsewhere > 0 ? [`Along with them outside of the scope of the token: ${jobsText(elsewhere)}`] : []),
    ...(keptByHold > 0 ? [`Kept by a hold: ${jobsText(keptByHold)} more`] : []),
    ...volumeLines(previews),
    // No undo can be undone, which is not a fact of this preview.
    ...(noWayBack !== undefined
      ? [`WARNING: there is no way back: ${escaped(noWayBack)}`]
      : restorable !== undefined && name !== 'undo'
        ? [`An undo could give back ${backText(restorable)}`]
        : []),
  ]
}

/** `About 45 MB in the archive, for 7 days, and 120 MB of WAL`, and what the change will not wait for. */
function volumeLines(previews: readonly Preview[]): string[] {
  const wal = sumOf(previews.flatMap(({ wal_bytes }) => wal_bytes ?? []))
  const archive = sumOf(previews.flatMap(({ archive_bytes }) => archive_bytes ?? []))
  const days = previews.flatMap(({ kept_days }) => kept_days ?? [])[0]
  const term = days === undefined ? '' : `, for ${days} ${days === 1 ? 'day' : 'days'}`
  const kept = archive > 0 ? `${sizeText(archive)} in the archive${term}, and ` : ''
  const hidden = new Set(previews.flatMap(({ not_watched }) => not_watched ?? []))
  const names = [...hidden].map((kind) => unwatchedWords.get(kind) ?? escaped(kind))
  return [
    ...(wal > 0 ? [`About ${kept}${sizeText(wal)} of WAL`] : []),
    ...fullArchive(previews).map((full) => `WARNING: ${full}`),
    ...(names.length > 0 ? [`Not watched, since the server may not read it: ${names.join(', ')}`] : []),
  ]
}

/** `jobs_archive has 2.1 MB, above its limit of 1 MB: the change would be refused (JOBS_ARCHIVE_MAX_BYTES)` */
const fullArchive = (previews: readonly Preview[]): string[] =>
  previews
    .flatMap(({ archive_full }) => archive_full ?? [])
    .slice(0, 1)
    .map(
      ({ bytes, limit }) =>
        `jobs_archive has ${sizeText(bytes)}, above its limit of ${sizeText(limit)}: the change would be refused (JOBS_ARCHIVE_MAX_BYTES)`,
    )

/** The words for the limits that a server cannot keep. */
const unwatchedWords = new Map([
  ['replica_lag', 'the lag of replicas (its role lacks pg_monitor)'],
  ['kept_wal', 'the WAL that replication slots keep'],
])

/** `9,500 jobs`, `at least 9,500 jobs` */
export const countText = ({ total, complete }: Pick<Previewed<never>, 'total' | 'complete'>): string =>
  `${complete ? '' : 'at least '}${jobsText(total)}`

/**
 * The preview in one sentence: the count, and what a reader may not expect: several reasons, jobs that are cancelled along,
 * jobs that no undo could give back.
 */
export function previewSentence<In extends z.ZodType, Out extends z.ZodType>(
  change: Pick<BulkChange<In, Out>, 'name' | 'say' | 'undoable' | 'along'>,
  { total, complete, previews = [] }: Previewed<Out>,
): string {
  const { say, along } = change
  const { reasons, dependents, elsewhere, restorable = total, keptByHold, noWayBack } = factsOf(previews)
  const them = total === 1 ? 'it' : 'them'
  const lost = canUndo(change) && restorable < total
  const back = restorable === 0 ? `not give ${them} back` : `give back ${groupedDigits(restorable)} of them`
  return [
    `${say(countText({ total, complete }), false)}${reasons.length > 1 ? ` (${reasons.join(', ')})` : ''}`,
    ...(dependents > 0 ? [`${dependentsText(dependents, along)} ${them} would be ${along ?? 'cancelled'} along`] : []),
    ...(elsewhere > 0 ? [`${jobsText(elsewhere)} outside of the scope of the token would go along`] : []),
    ...(keptByHold > 0 ? [`a hold keeps ${groupedDigits(keptByHold)} more`] : []),
    ...(noWayBack !== undefined && total > 0 ? [`there is no way back: ${escaped(noWayBack)}`] : []),
    ...(lost ? [`an undo could ${back}`] : []),
    ...(total > 0 ? fullArchive(previews) : []),
  ].join('; ')
}
