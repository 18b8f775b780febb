import type { Outage, Server } from '../../../launch/restartable.ts'

/** A call that went wrong. Times are in milliseconds since 1970. */
export interface CallFailure {
  what: string
  server: string
  began: number
  ended: number
}

/** The calls of one kind of callers. */
export interface Calls {
  /** What the calls are, in the plural. */
  by: string
  /** How many commands were run, streams were opened or screens were shown. */
  made: number
  failures: readonly CallFailure[]
}

/** A server that stops or starts is away a little longer than its process is: connections are refused until it listens. */
const slackMs = 1500

/** Failures of calls to servers that ran all the while: each of them breaks a promise. */
export const unexcused = (failures: readonly CallFailure[], servers: readonly Pick<Server, 'url' | 'outages'>[]) =>
  failures.filter(({ server, began, ended }) => {
    const outages: readonly Outage[] = servers.find(({ url }) => url === server)?.outages ?? []
    return !outages.some(({ from, to }) => began <= to + slackMs && ended >= from - slackMs)
  })
