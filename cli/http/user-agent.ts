import { version } from '../../shared/version.ts'

/**
 * How jobsctl names itself. Versions up to 0.2.0 send no `User-Agent`: a server over the tables of another engine refuses them, since they
 * read ids of jobs as numbers alone.
 */
export const userAgent = `jobsctl/${version}`
