/** Codes of the errors with which statements end while the embedded database is closed, or when it stops. */
const codes = { closed: 'EMBEDDED_CLOSED', stopped: 'EMBEDDED_STOPPED' } as const

/** The texts of the operating system for a disk, a quota or a file that may not grow. */
const diskFull = /no space left|quota exceeded|file too large/i

/** True when this reason of PostgreSQL means that the disk is full. */
export const isDiskFull = (why: string): boolean => diskFull.test(why)

/** True when this reason of PostgreSQL means that the user of this process may not read or write a file. */
export const isAccessDenied = (why: string): boolean => /permission denied|operation not permitted/i.test(why)

/**
 * The error of a statement. `closed`: it was not sent, because the database is closed. `stopped`: the database stopped after the statement
 * was sent, so that the server cannot tell whether PostgreSQL ran it.
 * @param why a clause that says why the database has stopped
 */
export function embeddedError(when: keyof typeof codes, why: string): Error {
  const reason = isDiskFull(why) ? 'the disk of the embedded database is full' : 'the embedded database has stopped'
  return Object.assign(new Error(reason, { cause: why }), { code: codes[when] })
}
