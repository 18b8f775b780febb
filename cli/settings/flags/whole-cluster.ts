import { Failure } from '../../../shared/errors.ts'
import type { Cluster } from '../../../shared/jobs/clusters.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { describeAnyOf, describeScope, type ScopeFlags, scopeOf, scopeWords } from './scope-flags.ts'

interface ClusterFlags extends ScopeFlags {
  cluster?: string
}

const wholeId = /^v\d{1,6}-[0-9a-f]{12}$/
const firstDigits = /^(v\d{1,6}-)?[0-9a-f]{4,12}$/

/** The most clusters that one call answers. */
const mostClusters = '1000'

/** The most candidates that an error names. */
const mostNamed = 5

/**
 * The flags with the whole id of a cluster in place of its first digits, 4 at least, with or without the version. The ids are those
 * of the 1,000 largest clusters in the scope of the flags. Every request of the command has the whole id, so that a later page
 * or a repeated change means the same jobs, also where another cluster with these digits appears.
 * @throws Failure `usage` for digits that begin several ids, and for digits with `--curl`; `not_found` for digits that begin none
 */
export async function withWholeCluster<Flags extends ClusterFlags>(context: Context, flags: Flags): Promise<Flags> {
  const prefix = flags.cluster?.trim().toLowerCase()
  if (prefix === undefined || wholeId.test(prefix) || !firstDigits.test(prefix)) return flags
  if (context.settings.curl) {
    throw new Failure(
      'usage',
      `--cluster: with --curl nothing is sent, so ${prefix} must be the whole id of a cluster`,
      {
        hint: context.another(['clusters', ...scopeWords(scopeOf(flags))]),
      },
    )
  }
  const { failureClusters } = await import('../../../shared/jobs/clusters.ts')
  const request = { ...scopeOf(flags), limit: mostClusters }
  const { body, header } = await (await context.client()).call(failureClusters, request)
  const found = body.clusters.filter(({ cluster, status }) => status !== null && begins(cluster, prefix))
  const [only, ...others] = found
  if (!only) throw unknown(context, flags, { prefix, isComplete: header('x-complete') !== 'false' })
  if (others.length > 0) throw ambiguous(context, flags, { prefix, found })
  return { ...flags, cluster: only.cluster }
}

const begins = (cluster: string, prefix: string): boolean =>
  cluster.startsWith(prefix) || cluster.slice(cluster.indexOf('-') + 1).startsWith(prefix)

interface Sought {
  prefix: string
  /** Whether the server read and clustered all failures in the scope. */
  isComplete: boolean
}

function unknown({ another }: Context, flags: ClusterFlags, { prefix, isComplete }: Sought): Failure {
  const scope = scopeOf(flags)
  const among = isComplete ? '' : ' among those that the server could read'
  const detail = `no cluster of failures in ${describeAnyOf(scope)}${among} has an id that begins with ${prefix}; nothing was changed`
  return new Failure('not_found', detail, { hint: another(['clusters', ...scopeWords(scope)]) })
}

interface Candidates {
  prefix: string
  found: readonly Cluster[]
}

function ambiguous({ another }: Context, flags: ClusterFlags, { prefix, found }: Candidates): Failure {
  const scope = scopeOf(flags)
  const lines = found.slice(0, mostNamed).map(lineOf)
  const more = found.length > mostNamed ? [`and ${groupedDigits(found.length - mostNamed)} more`] : []
  const detail = `${prefix} begins the ids of ${groupedDigits(found.length)} clusters in ${describeScope(scope)}; nothing was changed`
  const [largest] = found
  return new Failure('usage', `--cluster: ${[detail, ...lines, ...more].join('\n  ')}`, {
    hint: another(['list', ...scopeWords(scope), '--cluster', largest?.cluster ?? prefix]),
  })
}

/** `v1-0123456789ab  1,204 failed  disk # is full` */
const lineOf = ({ cluster, count, status, pattern }: Cluster): string =>
  escaped(`${cluster}  ${groupedDigits(count)} ${status ?? ''}  ${(pattern ?? '').slice(0, 60)}`)
