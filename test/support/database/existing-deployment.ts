import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import type { Sql } from 'postgres'

const file = join(process.env.SHARED_DIR ?? '../shared', 'data', 'existing-deployment.sql.gz')

/** False where the dump of a real deployment is not at hand; SHARED_DIR says where it is. */
export const hasDeployment = existsSync(file)

/** Loads a database as another program left it: plain SQL with `copy … from stdin` blocks, as psql would. */
export async function loadDeployment(sql: Sql): Promise<void> {
  for (const { statements, rows } of partsOf(gunzipSync(readFileSync(file)).toString('utf8'))) {
    const [copy, ...before] = rows === undefined ? ['', statements] : [lastOf(statements), withoutLast(statements)]
    await sql.unsafe(before.join(''))
    if (copy) await pipeline(Readable.from([rows]), await sql.unsafe(copy).writable())
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
