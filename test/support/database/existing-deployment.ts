import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import type { Sql } from 'postgres'

/** A database as the other program left it: of its first version, and of the version that keeps snapshots of deleted jobs. */
export type Deployment = 'existing-deployment' | 'existing-deployment-newer'

const fileOf = (deployment: Deployment) => join(process.env.SHARED_DIR ?? '../shared', 'data', `${deployment}.sql.gz`)

/** False where the dumps of real deployments are not at hand; SHARED_DIR says where they are. */
export const hasDeployment = existsSync(fileOf('existing-deployment'))
export const hasNewerDeployment = existsSync(fileOf('existing-deployment-newer'))

/** Loads a database as another program left it: plain SQL with `copy … from stdin` blocks, as psql would. */
export async function loadDeployment(sql: Sql, deployment: Deployment = 'existing-deployment'): Promise<void> {
  const session = await sql.reserve()
  try {
    for (const { statements, rows } of partsOf(gunzipSync(readFileSync(fileOf(deployment))).toString('utf8'))) {
      const [copy, ...before] = rows === undefined ? ['', statements] : [lastOf(statements), withoutLast(statements)]
      await session.unsafe(before.join(''))
      if (copy) await pipeline(Readable.from([rows]), await session.unsafe(copy).writable())
    }
    // The dump leaves its session without a search path.
    await session`reset all`
  } finally {
    session.release()
  }
}

/** The text in parts: statements, the last of which may be a copy, and then the rows that belong to it. */
function partsOf(text: string): { statements: string; rows?: string }[] {
  return text.split(/^\\\.\n/m).map((part) => {
    const [all = '', head = ''] = /^.*?^copy [^;]* from stdin;\n/ims.exec(part) ?? []
    return all ? { statements: head || all, rows: part.slice(all.length) } : { statements: part }
  })
}

const copyAt = (statements: string) => statements.search(/^copy /im)
const lastOf = (statements: string) => statements.slice(copyAt(statements))
const withoutLast = (statements: string) => statements.slice(0, copyAt(statements))
