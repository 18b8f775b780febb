import { kinds } from '../../../shared/changes/kinds.ts'
import { type Answer, call } from '../../api/call.ts'
import { Button, Link, Select } from '../../parts/controls.tsx'
import { FilterChips, UnknownParameters } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter, FilterField } from '../../parts/filter-words.ts'
import { Person } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { type Column, Rows } from '../../parts/rows.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { Status } from '../../parts/values.tsx'
import { addressOf, navigate, query } from '../../state/address.ts'
import { useFiltered, useLoad } from '../../state/calls.ts'
import { namesOf } from '../../state/names.ts'
import { caller, thatYouSee } from '../../state/session.ts'
import { Reviews } from './review.tsx'

const names = ['domain', 'queue', 'job_type', 'kind', 'state', 'caller', 'before_id'] as const
const pageSize = 50

const shownKinds = [
  ['', 'changes and acts'],
  ['changes', 'changes of jobs'],
  ['acts', 'acts'],
] as const

const fields: readonly FilterField[] = [
  { name: 'kind', label: 'Kind', words: ['changes', 'acts', ...Object.keys(kinds)] },
  { name: 'state', label: 'State', words: ['running', 'done', 'partial', 'failed', 'undone'] },
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
  { name: 'job_type', label: 'Job type', also: ['type'] },
  { name: 'caller', label: 'By the caller with the id', also: ['by'] },
]

/*
 * The questions of this screen, in their order:
 *   1. Are the records as they were?        what the check of their chain says now
 *   2. Does an emergency wait for me?       what went past an approval, with its review
 *   3. What was done, by whom and why?      a row a record, the newest first, by kind, state, place and caller
 *   4. Can it be taken back?                its page has the undo
 */

/** The records of changes and acts, the newest first. */
export function Operations() {
  const params = query.value
  const filter = Object.fromEntries(names.map((name) => [name, params.get(name) || undefined]))
  const { data, problem, readAt, isLoading, reload } = useFiltered(JSON.stringify(filter), (signal) =>
    call('listOperations', { ...filter, limit: String(pageSize) }, { signal }),
  )
  const { before_id: _page, ...shown } = filter
  const { kind = '', ...others } = shown
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  /** Shows the newest records of a filter, or those before one of them. */
  const show = (fields: Filter) => navigate(addressOf('/operations', { ...filter, before_id: undefined, ...fields }))
  return (
    <>
      <UnknownParameters known={names} />
      {/* The chain is of the records of all domains. */}
      {!caller.value?.scope && <Chain />}
      <Reviews />
      <section class="filter chips" aria-label="Filter">
        <Select
          label="Show"
          value={kind}
          options={shownKinds.some(([name]) => name === kind) ? shownKinds : [...shownKinds, kind]}
          onChange={(value) => show({ kind: value })}
        />
        <FilterChips fields={fields} filter={others} onChange={show} />
        <FilterBox {...{ fields }} filter={shown} onChange={show} example="kind:prune domain:mail" valuesOf={namesOf} />
        <Freshness {...{ readAt, isLoading, reload }} />
      </section>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data?.length === 0 && (
        <p class="empty">
          {isFiltered
            ? `No record${thatYouSee()} matches.`
            : `There is no record${thatYouSee()} yet. A change of many jobs makes one.`}
        </p>
      )}
      {data && data.length > 0 && <Rows label="Operations" rows={data} columns={columns} keyOf={({ id }) => id} />}
      {data && data.length === pageSize && (
        <nav class="bar" aria-label="Pages">
          <Button onClick={() => show({ before_id: String(data.at(-1)?.id) })}>Older</Button>
        </nav>
      )}
    </>
  )
}

type Record_ = Answer<'listOperations'>[number]

const columns: readonly Column<Record_>[] = [
  ['Id', ({ id }) => <Link to={`/operations/${id}`}>{id}</Link>, 'number'],
  ['Kind', ({ kind }) => kind],
  ['State', ({ state }) => <Status of={state} />],
  ['Where', whereOf],
  ['Changed', (record) => changedOf(record), 'number'],
  ['By', ByCaller],
  ['Why', ({ reason }) => reason, 'wide'],
  ['Began', ({ started_at }) => <Ago at={started_at} />],
]

/** Who made a record; a press shows the records of the same caller. */
function ByCaller({ caller }: Record_) {
  const { before_id: _page, ...shown } = Object.fromEntries(query.peek())
  return (
    <Link to={addressOf('/operations', { ...shown, caller })} class="same">
      <Person id={caller} />
    </Link>
  )
}

/** `mail/high/receipt`, with `*` for what is not narrowed before a name that is. An act may have no place. */
function whereOf({ domain, queue, job_type }: Record_): string {
  const names = [domain, queue, job_type]
  const last = names.findLastIndex((name) => name !== null)
  return names
    .slice(0, last + 1)
    .map((name) => name ?? '*')
    .join('/')
}

/** How many jobs were changed, and of how many that were previewed where these are others. */
function changedOf({ affected, previewed }: Record_): string {
  const changed = affected.toLocaleString('en')
  return previewed === null || previewed === affected ? changed : `${changed} of ${previewed.toLocaleString('en')}`
}

/** What the check of the hash chain says now: of every record, and not of those that are shown. */
function Chain() {
  const { data, problem, isLoading, reload } = useLoad('chain', (signal) => call('verifyOperations', {}, { signal }))
  const broken = data?.days.flatMap((day) => day.broken) ?? []
  const missing = data?.days.reduce((sum, day) => sum + day.missing, 0) ?? 0
  return (
    <p class={`note ${problem || (data && !data.ok) ? 'bad' : 'good'}`} role="status">
      {isLoading && !data && 'The chain of the records is being checked…'}
      {problem && `The chain of the records was not checked: ${problem.message}`}
      {data?.ok && `The chain is whole. Records that are as they were sealed: ${data.operations.toLocaleString('en')}.`}
      {data && !data.ok && (
        <>
          The chain is broken.
          {broken.length > 0 &&
            ` Not as they were sealed: ${broken.slice(0, 20).join(', ')}${broken.length > 20 ? ` and ${(broken.length - 20).toLocaleString('en')} more` : ''}.`}
          {missing > 0 && ` Missing: ${missing.toLocaleString('en')}.`}
        </>
      )}{' '}
      <Button class="quiet" onClick={reload}>
        Check again
      </Button>
    </p>
  )
}
