import { ConninfoError, parseConninfo } from '../../shared/conninfo.ts'

/** Whether a connection string has a password, as libpq reads it. What cannot be read may have one. */
export function hasPassword(text: string): boolean {
  try {
    const given = parseConninfo(text)
    return Boolean(given.get('password') || given.get('sslpassword'))
  } catch (error) {
    if (error instanceof ConninfoError) return /password|:[^/]*@/i.test(text)
    throw error
  }
}
