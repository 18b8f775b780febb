import { Failure } from '../../../shared/errors.ts'
import type { JobExplanation } from '../../../shared/explain/job.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Reading, ServerContext, Telling } from '../../call.ts'
import { patternOf } from '../../database/error-pattern.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { hasKeys, isJob } from '../../database/job-ids.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { placeOf } from '../../engines/served.ts'
import { thresholdOfJob, thresholdOfQueue } from '../../lifecycle/settle/quarantine-threshold.ts'
import type { InputOf } from '../handlers.ts'
import { foldedErrors, isContentHidden } from '../hidden.ts'
import { readJob } from '../jobs/read-job.ts'
import { findDependencies } from './dependencies.ts'
import { describeFinding } from './describe-finding.ts'
import { findingsOfState, finished, type JobState } from './job-findings.ts'
import { positionInLine } from './position-in-line.ts'
import { findingsOfThrottle, findStop, readThrottle } from './queue-stop.ts'
import { withinDomain, withinEngine } from './remedies.ts'
import { jobSentence, positionSentence } from './sentences.ts'
import { findSilence } from './worker-signs.ts'

type ExplainCall = Reading & Telling & Pick<ServerContext, 'quarantineThreshold'>
type Request = Within<InputOf<'explainJob'>>

/**
 * Every reason why a job does not run, and its place in line.
 * @throws Failure `not_found` for an unknown id, for a job of another domain than the request names, and for one outside of the scope
 */
export async function explainJob(
  { sql, redactor, may, within, quarantineThreshold }: ExplainCall,
  asked: InputOf<'explainJob'>,
): Promise<JobExplanation> {
  const hidden = isContentHidden({ may })
  const request = { ...asked, within }
  const explanation = await retryDeadlock(() =>
    sql.begin(async (tx) => {
      await tx`select ${limitReadTime(tx)}`
      const job = await readState(tx, request, hidden)
      if (job) return explainLive(tx, { redactor, quarantineThreshold, may }, { ...job, within })
      return explainArchived(tx, redactor, { ...request, hidden })
    }),
  )
  const { id, domain } = request
  if (!explanation)
    throw new Failure('not_found', domain ? `there is no job ${id} in the domain ${domain}` : `there is no job ${id}`)
  if (domain === undefined) return explanation
  return { ...explanation, reasons: explanation.reasons.map((reason) => withinDomain(reason, domain)) }
}

interface LiveJob extends JobState {
  id: JobId
  domain: string
  queue: string
  job_type: string
  owner_user_id: string | null
  /** The priority by which the job is picked; 11 where it has none. */
  tier: number
  now: string
}

/** How often a job is tried again where its row does not say so; a table of another engine may have no such number. */
const mostRetries = staticFragment((sql) => (hasKeys(sql) ? sql`max_retries` : sql`coalesce(max_retries, 3)`))

/** @param hidden the caller gets error messages as clusters have them */
async function readState(sql: Sql, { id, domain, within }: Request, hidden: boolean): Promise<LiveJob | undefined> {
  const [job] = await sql<LiveJob[]>`
    select
      id, domain, queue, job_type, owner_user_id, status, uuid, coalesce(priority, 11) as tier,
      coalesce(available_at, created_at) as due_at,
      case
        when coalesce(available_at, created_at) > now()
        then extract(epoch from least(coalesce(available_at, created_at), now() + interval '1000 years') - now())::float8
      end as due_in,
      acquired_at, leased_until, coalesce(leased_until > now(), ${hasKeys(sql)}::boolean) as has_lease, worker_id,
      left(encode(sha256(convert_to(lease_id::text, 'UTF8')), 'hex'), 8) as lease_fingerprint,
      quarantined_at, completed_at, cancelled_at, cancel_requested_at, cancellation_reason, error_code,
      ${hidden ? patternOf(sql, sql`left(error_message, 1000)`) : sql`left(error_message, 1000)`} as error_message, failure_streak_code, failure_streak_count, retry_count, ${mostRetries(sql)} as max_retries,
      ${thresholdOfJob(sql)} as threshold_of_job, ${thresholdOfQueue(sql, sql`jobs`)} as threshold_of_queue, now() as now
    from jobs
    where ${isJob(sql, id)} and (${domain ?? null}::text is null or domain = ${domain ?? null}::text)
      ${isWithin(sql, within)}`
  return job
}

async function explainLive(
  sql: Sql,
  { quarantineThreshold, ...telling }: Telling & Pick<ServerContext, 'quarantineThreshold'>,
  job: Within<LiveJob>,
): Promise<JobExplanation> {
  const { id, domain, queue, job_type, status, now } = job
  const engine = placeOf(sql, domain)
  const { findings, isWaiting } = findingsOfState(job, telling.redactor, quarantineThreshold)
  const around: Finding[] = isWaiting
    ? [
        ...(await findStop(sql, job, telling)),
        ...findingsOfThrottle(await readThrottle(sql, job, telling), job, telling),
        ...(engine ? await engine.adapter.reasons(engine.of, [engine.found], job) : await findDependencies(sql, job)),
        ...(await findSilence(sql, job, job)),
      ]
    : []
  const found = [...findings, ...around]
  const place = status === 'queued' ? await positionInLine(sql, job) : null
  return {
    id,
    domain,
    queue,
    job_type,
    status,
    archived: false,
    as_of: now,
    sentence: jobSentence(job, codesOf(found)),
    reasons: found
      .map((finding) => describeFinding(finding, { now, job }))
      .map((reason) => (engine ? withinEngine(reason, engine.adapter) : reason)),
    place: place && { ...place, sentence: positionSentence(place, found.length > 0) },
  }
}

/** A job of the archive has ended, whatever its state was. */
async function explainArchived(
  sql: Sql,
  redactor: ServerContext['redactor'],
  { id, domain: wanted, within, hidden }: Request & { hidden: boolean },
): Promise<JobExplanation | undefined> {
  const found = await readJob(sql, { id, within })
  if (!found || (wanted !== undefined && found.row.domain !== wanted)) return undefined
  const { domain, queue, job_type, status } = found.row
  const text = (name: string) => {
    const value = found.row[name]
    return typeof value === 'string' ? value : null
  }
  const [{ now }] = await sql<[{ now: string }]>`select now() as now`
  const ended = {
    ...{
      completed_at: text('completed_at'),
      cancelled_at: text('cancelled_at'),
      quarantined_at: text('quarantined_at'),
    },
    cancellation_reason: text('cancellation_reason'),
    error_code: text('error_code'),
    error_message: await errorOf(sql, text('error_message'), hidden),
  }
  const finding = finished(ended, { status: status ?? 'without a state', archived: true, redactor })
  return {
    id,
    domain,
    queue,
    job_type,
    status,
    archived: true,
    as_of: now,
    sentence: jobSentence({ id, domain, queue, job_type, status }, codesOf([finding])),
    reasons: [describeFinding(finding, { now })],
    place: null,
  }
}

const errorOf = async (sql: Sql, message: string | null, hidden: boolean): Promise<string | null> =>
  hidden ? ((await foldedErrors(sql, [message]))[0] ?? null) : message

const codesOf = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code)
