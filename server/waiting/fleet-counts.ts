import { stat } from 'node:fs/promises'
import * as z from 'zod'
import { inTurns } from '../../shared/in-turns.ts'
import type { FleetMember } from '../../shared/queues/fleet.ts'
import { overview } from '../../shared/queues/overview.ts'
import { type FleetServer, readFleetFile } from '../env/fleet-file.ts'
import { readSmallFile } from '../env/read-small-file.ts'
import type { Log } from '../log/log.ts'
import { errorText, systemErrorText } from '../log/system-error.ts'

const timeoutMs = 2000
const keptMs = 10_000
const mostAtOnce = 32
const mostBytes = 4 * 1024 * 1024
const largestToken = 4096

/** The counts of other servers. */
export interface FleetCounts {
  /** The servers of the file with their counts, which are at most 10 s old; all callers share one round. It never rejects. */
  read: () => Promise<readonly FleetMember[]>
  /** Reads the file again. @throws Failure `usage`; the servers stay as they are then */
  readAgain: () => Promise<void>
}

interface Options {
  /** The path of the file. */
  file: string
  log: Pick<Log, 'warn'>
  /** Aborted when this server stops. */
  stopping: AbortSignal
  /** The time in milliseconds, from any start. */
  now?: () => number
}

/** @throws Failure `usage` for a file that cannot be used */
export async function openFleet({ file, log, stopping, now = () => performance.now() }: Options): Promise<FleetCounts> {
  let servers = await readFleetFile(file)
  let known: Promise<readonly FleetMember[]> | undefined
  let knownUntil = 0
  /** What the log has of each token that cannot be used, once. */
  const told = new Map<string, string>()
  const tellOnce = ({ name }: FleetServer, why: string) => {
    if (told.get(name) !== why) log.warn(`JOBS_FLEET_FILE: the token of ${name} is of no use: ${why}`)
    told.set(name, why)
  }
  const ask = async (server: FleetServer): Promise<FleetMember> => {
    const of = { name: server.name, url: server.url }
    try {
      const counts = await askCounts(server, stopping)
      told.delete(server.name)
      return { ...of, why: null, counts }
    } catch (error) {
      const { message, detail } = error instanceof NoCounts ? error : new NoCounts('it cannot be asked')
      if (detail !== undefined) tellOnce(server, detail)
      return { ...of, why: message, counts: null }
    }
  }
  return {
    read() {
      if (known && now() < knownUntil) return known
      const round = inTurns(servers, mostAtOnce, ask)
      known = round
      knownUntil = Number.POSITIVE_INFINITY
      void round.then(() => {
        if (known === round) knownUntil = now() + keptMs
      })
      return round
    },
    async readAgain() {
      servers = await readFleetFile(file)
      known = undefined
    },
  }
}

/** Why a server gave no counts: a clause for anybody, and for the log what is wrong with its token file. */
class NoCounts extends Error {
  readonly detail: string | undefined
  constructor(message: string, detail?: string) {
    super(message)
    this.detail = detail
  }
}

/** What is taken from an overview, which a newer server may tell more of. */
const Told = z.object({
  as_of: overview.output.shape.as_of,
  totals: overview.output.shape.totals,
  failing_queues: overview.output.shape.failing_queues,
})

/** @throws NoCounts */
async function askCounts(server: FleetServer, stopping: AbortSignal): Promise<NonNullable<FleetMember['counts']>> {
  const token = await readToken(server)
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(`${server.url}${overview.path}`, {
      redirect: 'manual',
      signal: AbortSignal.any([timeout, stopping]),
      headers: { accept: 'application/json', authorization: `Bearer ${token}` },
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new NoCounts(refusalOf(response.status))
    }
    const told = Told.safeParse(parsed(await boundedText(response)))
    if (!told.success) throw new NoCounts('its answer is not that of a jobs-server of this version')
    const { as_of, totals, failing_queues } = told.data
    return { as_of, ...totals, failing_queues }
  } catch (error) {
    if (error instanceof NoCounts) throw error
    if (timeout.aborted) throw new NoCounts(`it did not answer within ${timeoutMs / 1000} s`)
    const cause = error instanceof Error ? error.cause : undefined
    throw new NoCounts(`it cannot be reached: ${systemErrorText(cause ?? 'the connection was closed')}`)
  }
}

function refusalOf(status: number): string {
  if (status === 401) return 'it refused the token'
  if (status === 403) return 'the token may not read its counts'
  if (status === 404) return 'it has no overview: its version is older than 0.3.0, or the URL is not its root'
  return status < 400 ? `it leads elsewhere (${status}), where the token is not sent` : `it answered ${status}`
}

/** The token, which only the header of the request has. @throws NoCounts */
async function readToken({ token_file: file }: FleetServer): Promise<string> {
  const text = await stat(file)
    // A pipe would wait for somebody who writes.
    .then((found) => (found.isFile() ? readSmallFile(file, largestToken) : ''))
    .catch((error: unknown) => {
      throw new NoCounts(ownFault, `its file cannot be read: ${errorText(error)}`)
    })
  const token = text.trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new NoCounts(ownFault, `${file} must have one line of printable ASCII`)
  return token
}

const ownFault = 'this server has no token for it'

/** @throws NoCounts for an answer that is too large to be the counts of a server */
async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    bytes += chunk.byteLength
    if (bytes > mostBytes) throw new NoCounts(`its answer is larger than ${mostBytes / 1024 / 1024} MiB`)
  }
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
