import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../../launch/free-port.ts'
import {
  type Action,
  enqueueByHttp,
  pruneByHttp,
  pruneByJobsctl,
  sweepByJobsctl,
  type Tried,
  tryOnce,
} from '../actions.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const actions = [pruneByJobsctl, pruneByHttp, sweepByJobsctl, enqueueByHttp]
const byJobsctl = [pruneByJobsctl, sweepByJobsctl]

/** A host that no resolver may know (RFC 6761). */
const nowhere = 'jobs.invalid'

const unavailable = {
  page: 'docs/operate/exit-codes.md',
  sentence: '| 7 | unavailable | DNS, refused, TLS, timeout, 429 or 503 after the retries |',
}
const databaseAway = {
  page: 'docs/deploy/failover.md',
  sentence: 'the primary goes away | calls are 503 `database_unavailable`; nothing was changed',
}

async function tryAll(stage: Stage, url: string, which: readonly Action[]): Promise<Tried[]> {
  const tries: Tried[] = []
  for (const action of which) tries.push(await tryOnce(stage, action, () => ({ url })))
  for (const { action, outcome } of tries) {
    if (outcome.client === 'jobsctl' && outcome.status !== 7)
      stage.lie(`${action} ends with exit ${outcome.status}, not 7`)
  }
  return tries
}

/** Tries all actions at a server that cannot reach its database at this URL. */
async function withoutDatabase(stage: Stage, change: (url: URL) => void): Promise<Tried[]> {
  const dbUrl = new URL(stage.dbUrl)
  change(dbUrl)
  let tries: Tried[] = []
  await stage.withServer(
    async ({ url }) => {
      tries = await tryAll(stage, url, actions)
    },
    { dbUrl: dbUrl.href, until: 'listening' },
  )
  return tries
}

async function atPlainPort(stage: Stage): Promise<Tried[]> {
  let tries: Tried[] = []
  await stage.withServer(async ({ url }) => {
    tries = await tryAll(stage, url.replace('http:', 'https:'), byJobsctl)
  })
  return tries
}

/** A server whose certificate nobody has signed. */
async function selfSigned(stage: Stage): Promise<Tried[] | { skipped: string }> {
  const [key, cert] = [join(stage.folder, 'tls-key.pem'), join(stage.folder, 'tls-cert.pem')]
  const argv = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1']
  const made = await promisify(execFile)('openssl', [...argv, '-subj', '/CN=localhost']).then(
    () => true,
    () => false,
  )
  if (!made) return { skipped: 'openssl is not installed' }
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) => {
    stage.lie('a request, with its key, reached a server whose certificate is not trusted')
    response.end('[]')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return tryAll(stage, `https://127.0.0.1:${port}`, byJobsctl).finally(() => server.close())
}

export const names: readonly Scenario[] = [
  {
    trouble: 'the name of the server does not resolve',
    promised: unavailable,
    allowed: ['unreachable'],
    run: (stage) => tryAll(stage, `https://${nowhere}`, byJobsctl),
  },
  {
    trouble: 'nobody listens where the server should be',
    promised: unavailable,
    allowed: ['unreachable'],
    run: async (stage) => tryAll(stage, `http://127.0.0.1:${await freePort()}`, byJobsctl),
  },
  {
    trouble: 'the server is called by https, and speaks plain HTTP',
    promised: unavailable,
    allowed: ['unreachable'],
    run: atPlainPort,
  },
  {
    trouble: 'the certificate of the server is not trusted',
    promised: unavailable,
    allowed: ['unreachable'],
    run: selfSigned,
  },
  {
    trouble: 'the name of the database does not resolve',
    promised: databaseAway,
    allowed: ['database_unavailable'],
    run: (stage) =>
      withoutDatabase(stage, (url) => {
        url.hostname = nowhere
      }),
  },
  {
    trouble: 'nobody listens where the database should be',
    promised: databaseAway,
    allowed: ['database_unavailable'],
    run: async (stage) => {
      const port = String(await freePort())
      return withoutDatabase(stage, (url) => {
        url.port = port
      })
    },
  },
]
