import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConninfoError } from '../../shared/conninfo.ts'
import { systemErrorText } from '../log/system-error.ts'
import { inHome } from './in-home.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The parameters of a connection service, as libpq finds them: in `PGSERVICEFILE`, else in `~/.pg_service.conf`, else in the file of the
 * system, `pg_service.conf` in `PGSYSCONFDIR`.
 * @throws ConninfoError for a service that no file has, and for a file that cannot be read
 */
export function readService(name: string, { PGSERVICEFILE, PGSYSCONFDIR }: Environment): Map<string, string> {
  const own = PGSERVICEFILE || inHome('.pg_service.conf')
  const named = [own ?? [], PGSYSCONFDIR ? join(PGSYSCONFDIR, 'pg_service.conf') : []].flat()
  const files = named.filter(existsSync)
  for (const file of files) {
    const found = sectionOf(textOf(file), name)
    if (found) return found
  }
  throw new ConninfoError(
    `has a service that is not in ${files.join(' or ') || own || 'PGSERVICEFILE, which is not set'}`,
  )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConninfoError(`has a service, and ${file} cannot be read: ${systemErrorText(error)}`)
  }
}

/** The lines `name=value` below `[service]`; undefined where there is no such section. */
function sectionOf(text: string, service: string): Map<string, string> | undefined {
  let section: string | undefined
  let found: Map<string, string> | undefined
  for (const line of text.split('\n').map((line) => line.trim())) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[')) {
      if (found) return found
      section = /^\[(.*)\]/.exec(line)?.[1]
      if (section === service) found = new Map()
    } else if (found) {
      const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(line) ?? []
      if (name === '' || name === 'service') throw new ConninfoError('has a service with a line that is not name=value')
      if (!found.has(name)) found.set(name, value)
    }
  }
  return found
}
