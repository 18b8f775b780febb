import type { Token } from '../../../shared/access/tokens.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import { isAct } from '../../../shared/records/acts.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { Use } from '../../command-line/words.ts'
import type { Context } from '../../context.ts'
import type { Client } from '../../http/client.ts'
import type { Io } from '../../io.ts'
import { bareQueueName, queueName } from '../../output/queue-column.ts'
import type { GlobalFlags } from '../../settings/settings.ts'

interface Typed {
  context: Context
  uses: readonly Use[]
}

/** The milliseconds that a server gets: a person waits for the words. */
const patienceMs = 700

/** The queues that the server has, as `<domain>/<queue>` takes them: without the domain where it has one alone. */
export async function queuesAt(typed: Typed): Promise<string[]> {
  const context = await contextFor(typed)
  if (context === undefined) return []
  const { stats } = await import('../../../shared/queues/stats.ts')
  const { body } = await (await context.client()).call(stats, {})
  return body.map(context.print.isBare() ? bareQueueName : queueName)
}

/** The groups of jobs in the part of the scope that the typed flags name; none where no server says so in time. */
export async function groupsIn(typed: Typed, narrowing: readonly ('domain' | 'queue')[]): Promise<GroupStats[]> {
  const client = await clientFor(typed)
  if (client === undefined) return []
  const { stats } = await import('../../../shared/queues/stats.ts')
  const scope = Object.fromEntries(
    narrowing.flatMap((name) => {
      const value = typedValue(typed.uses, `--${name}`)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  return (await client.call(stats, scope)).body
}

/** The domains that the server has. */
export async function domainsAt(typed: Typed): Promise<string[]> {
  const context = await contextFor(typed)
  if (context === undefined) return []
  const { stats } = await import('../../../shared/queues/stats.ts')
  const { body } = await (await context.client()).call(stats, {})
  return [...body.map(({ domain }) => domain), ...context.otherDomains()]
}

/** The newest bulk changes on record. */
export async function recentOperations(typed: Typed): Promise<OperationRecord[]> {
  const client = await clientFor(typed)
  if (client === undefined) return []
  const { listOperations } = await import('../../../shared/records/records.ts')
  return (await client.call(listOperations, {})).body.filter(({ kind }) => !isAct(kind))
}

/** The tokens that are not revoked, the newest first. */
export async function liveTokens(typed: Typed): Promise<Token[]> {
  const client = await clientFor(typed)
  if (client === undefined) return []
  const { listTokens } = await import('../../../shared/access/tokens.ts')
  return (await client.call(listTokens, {})).body.filter(({ revoked_at }) => revoked_at === null)
}

const typedValue = (uses: readonly Use[], name: string): string | undefined =>
  uses.find(({ flag }) => flag.flags.includes(`${name} `))?.value

/**
 * A client for the target of the typed flags, which tries once and says nothing. Undefined where the key comes from a command
 * or from stdin: a command may ask for a passphrase on the terminal where a person types.
 */
const clientFor = async (typed: Typed): Promise<Client | undefined> => (await contextFor(typed))?.client()

/** The context of such a client. */
async function contextFor({
  context,
  uses,
}: Typed): Promise<Pick<Context, 'client' | 'print' | 'otherDomains'> | undefined> {
  const flags: GlobalFlags = { ...targetFlags(uses), timeout: '1s', retries: '0', input: false }
  const io: Io = { ...context.io, note: () => {}, interactive: false }
  if (await mayAsk(flags, io)) return undefined
  const { fullContext } = await import('../../full-context.ts')
  const own = await fullContext({ io, flags, commands: context.commands })
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(patienceMs)])
  return { print: own.print, otherDomains: own.otherDomains, client: () => own.newClient(signal) }
}

/** The verbs that the server of the typed flags is known to lack; without a call, since each name of a command asks for it. */
export async function lacksAt({ context: { io }, uses }: Typed): Promise<ReadonlySet<string>> {
  const { lacksOfTarget } = await import('../../settings/known-lacks.ts')
  return lacksOfTarget(targetFlags(uses), io)
}

function targetFlags(uses: readonly Use[]): GlobalFlags {
  const given = {
    profile: typedValue(uses, '--profile'),
    url: typedValue(uses, '--url'),
    db: typedValue(uses, '--db'),
    apiKeyFile: typedValue(uses, '--api-key-file'),
    tokenFile: typedValue(uses, '--token-file'),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

async function mayAsk(flags: GlobalFlags, io: Io): Promise<boolean> {
  const [{ configPath, readConfig }, { addressOf }, { credentialOf }] = await Promise.all([
    import('../../settings/config-file.ts'),
    import('../../settings/server-address.ts'),
    import('../../settings/credential.ts'),
  ])
  const address = await addressOf(flags, io, () => readConfig(configPath(io)))
  // To open a database takes longer than anybody waits for a word.
  if (address.database) return true
  const source = credentialOf(flags, io, address)?.source
  return source?.kind === 'command' || (source?.kind === 'file' && source.path === '-')
}
