import * as z from 'zod'
import { createToken } from '../../../server/auth/tokens.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { call } from '../http.ts'
import { bearer } from './tokens.ts'

type Headers = Record<string, string>

export const sessionPath = '/api/v1/agent-session'

const Opened = z.object({ status: z.literal(201), body: z.object({ token: z.string(), id: z.string() }) })

/** Opens the session of an agent with a key or a token. Returns its headers, and its name. */
export async function openAgent(url: string, as: Headers, client?: object): Promise<{ as: Headers; id: string }> {
  const answer = await call({ url, method: 'POST', path: sessionPath, body: client ? { client } : {}, headers: as })
  const { body } = Opened.parse(answer)
  return { as: bearer(body.token), id: body.id }
}

/** Makes the token of an agent of a person. Returns its headers. */
export async function makeAgent(sql: Pool, of: string, madeBy = 'jobs-server'): Promise<Headers> {
  const grant = { role: 'agent', may_enqueue: false, of, principal: '', madeBy }
  return bearer((await createToken(sql, { name: 'mender', grant, days: 1 })).token)
}
